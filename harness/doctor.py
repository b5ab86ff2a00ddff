"""What this machine and a checkpoint can do, each finding with how it stands; nothing is trained, scored or
downloaded (except a checkpoint given by a hub id)."""

import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.checkpoint.kinds import FORMS, KINDS
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

OK, NOTE, PROBLEM = "ok", "note", "problem"
SENTENCE = "Multilingual text: Füchse springen, лисы прыгают, 狐狸跳跃."
# distribution -> what is missing without it
REQUIRED = ("torch", "transformers", "datasets", "lm-eval", "sacrebleu", "numpy")
OPTIONAL = {"peft": "adapters", "ray": "--executor ray"}
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
LOW_DISK = 5 * 2**30


@dataclass(frozen=True)
class Check:
    """`status` is ok, note (works, but one should know) or problem (something asked for will not work)."""

    check: str
    status: str
    detail: str


@dataclass(frozen=True)
class Report:
    """All findings in the order in which they were made."""

    checks: tuple[Check, ...]

    @property
    def opened(self) -> bool:
        """Whether the model that was asked for is one."""
        return all(check.status != PROBLEM for check in self.checks if check.check == "model")

    @property
    def healthy(self) -> bool:
        """Whether no finding is a problem."""
        return all(check.status != PROBLEM for check in self.checks)


def doctor(model: str | None = None, trust_remote_code: bool = False) -> Report:
    """Findings on this machine and, with a model, on what it is, can do, and whether it runs."""
    checks = [*_software(), *_machine(), *_hub()]
    if model is not None:
        checks += _model(model, trust_remote_code)
    return Report(tuple(checks))


def as_text(report: Report) -> str:
    """One line a finding, aligned."""
    width = max(len(check.check) for check in report.checks)
    return "\n".join(f"{check.status:<7}  {check.check:<{width}}  {check.detail}" for check in report.checks)


def as_json(report: Report) -> str:
    """A JSON list of objects with check, status, detail."""
    return json.dumps([asdict(check) for check in report.checks], ensure_ascii=False, indent=1)


def _software() -> list[Check]:
    checks = [Check("python", OK, f"{platform.python_version()} ({sys.executable})")]
    for name in REQUIRED:
        found = _version(name)
        checks.append(Check(name, OK if found else PROBLEM, found or f"missing; pip install {name}"))
    faiss = [f"{name} {found}" for name in ("faiss-cpu", "faiss-gpu") if (found := _version(name))]
    hint = "missing: retrieval uses its exact engine; pip install zeroshot-harness[cpu] for large collections"
    checks.append(Check("faiss", OK if faiss else NOTE, ", ".join(faiss) or hint))
    for name, use in OPTIONAL.items():
        found = _version(name)
        checks.append(Check(name, OK if found else NOTE, found or f"missing; needed for {use}"))
    return checks


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _machine() -> list[Check]:
    import torch

    devices = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
    names = [f"{one.name} ({one.total_memory / 2**30:.0f} GiB)" for one in devices]
    if not names and torch.backends.mps.is_available():
        names = ["Apple MPS"]
    free = shutil.disk_usage(Path.cwd()).free
    return [
        Check("gpu", OK if names else NOTE, ", ".join(names) or "none: everything runs on the CPU"),
        Check("threads", OK, f"{torch.get_num_threads()} of {os.cpu_count()} cores"),
        Check("free disk", OK if free > LOW_DISK else NOTE, f"{free / 2**30:.1f} GiB in {Path.cwd()}"),
    ]


def _hub() -> list[Check]:
    from huggingface_hub import constants, is_offline_mode

    flags = [f"{name}={os.environ[name]}" for name in OFFLINE if os.environ.get(name)]
    cache = Path(constants.HF_HUB_CACHE)
    return [
        Check("offline", NOTE if is_offline_mode() else OK, ", ".join(flags) or "no flag is set"),
        Check("hub cache", OK, f"{cache}{'' if cache.is_dir() else ' (not there yet)'}"),
        Check("hub address", OK, constants.ENDPOINT),
    ]


def _model(model: str, trust_remote_code: bool) -> list[Check]:
    from harness.checkpoint import open_checkpoint

    try:
        checkpoint = open_checkpoint(model, trust_remote_code)
    except HarnessError as error:
        return [Check("model", PROBLEM, str(error))]
    described = _described(checkpoint)
    if not checkpoint.backbone:
        # A class that lacks tensors would fill them at random, and those are finite too.
        reason = "no class of transformers reads them from these tensors"
        return [*described, Check("hidden states", PROBLEM, reason)]
    return [*described, _smoke(checkpoint)]


def _described(checkpoint: "Checkpoint") -> list[Check]:
    kind = KINDS[checkpoint.kind]
    sentence = checkpoint.sentence
    own = f"{sentence.pooling}{', normalised' if sentence.normalise else ''} (its own)" if sentence else "mean"
    size = f"{checkpoint.layers} layers of width {checkpoint.width}, vocabulary {checkpoint.vocabulary:,}, "
    length = f"{checkpoint.max_positions:,} tokens" if checkpoint.max_positions else "no limit in tokens"
    protocols = "; ".join(f"{name} ({', '.join(FORMS[name])})" for name in kind.protocols)
    checks = [
        Check("model", OK, f"{checkpoint.name} in {checkpoint.path}"),
        Check("kind", OK, f"{checkpoint.kind}: {kind.meaning}"),
        Check("why", OK, checkpoint.why),
        Check("size", OK, size + length),
        Check("default layer", OK, f"{checkpoint.default_layer} ({checkpoint.layer_source})"),
        Check("pooling", OK, own),
        Check("fingerprint", OK, checkpoint.fingerprint),
        Check("protocols", OK, protocols),
    ]
    if kind.form:
        labels = f" ({', '.join(checkpoint.labels)})" if checkpoint.labels else ""
        checks.append(Check("trained head", OK, f"{kind.form}{labels}"))
    checks += _training(checkpoint)
    if sentence and sentence.prompts:
        checks.append(Check("prompts", NOTE, json.dumps(sentence.prompts, ensure_ascii=False)))
    if checkpoint.adapter:
        checks.append(Check("adapter", OK if _version("peft") else PROBLEM, str(checkpoint.adapter)))
    if checkpoint.trust_remote_code:
        checks.append(Check("own code", NOTE, "Python code of the checkpoint runs when it is loaded"))
    return checks


def _training(checkpoint: "Checkpoint") -> list[Check]:
    """What it was trained on, as far as a manifest or the zoo says, and the heads that `harness train` left."""
    from harness.checkpoint.manifest import read_manifest
    from harness.heads.saved import saved_heads

    known = checkpoint.training_data
    manifest = read_manifest(checkpoint.folder) if checkpoint.folder is not None else None
    beyond = ["what its base was trained on is unknown"] if manifest is not None and manifest.unknown else []
    told = ", ".join([*(known or ()), *beyond]) or "unknown"
    said = Check("trained on", NOTE if known is None or beyond else OK, told)
    heads = ", ".join(f"{name} ({one.form})" for name, one in saved_heads(checkpoint).items())
    return [said, Check("heads beside it", OK, heads)] if heads else [said]


def _smoke(checkpoint: "Checkpoint") -> Check:
    """One sentence through tokenizer and model: known tokens, finite numbers."""
    try:
        tokens, unknown, finite = _forward(checkpoint)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return Check("smoke test", PROBLEM, f"one sentence does not pass through it: {reason}")
    if not finite:
        return Check("smoke test", PROBLEM, "its hidden states are not finite")
    if unknown * 2 > tokens:
        return Check(
            "smoke test",
            PROBLEM,
            f"{unknown} of {tokens} tokens of a multilingual sentence are unknown to it",
        )
    detail = f"{tokens} tokens, {unknown} of them unknown; hidden states are finite"
    return Check("smoke test", NOTE if unknown else OK, detail)


def _forward(checkpoint: "Checkpoint") -> tuple[int, int, bool]:
    """(tokens of the sentence, unknown ones among them, whether all hidden states are finite)."""
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    trust = checkpoint.trust_remote_code
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.tokenizer or checkpoint.path, trust_remote_code=trust)
        encoded = tokenizer(SENTENCE, return_tensors="pt", truncation=True, max_length=checkpoint.max_positions)
        model = _load(checkpoint)
        with torch.inference_mode():
            output = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"])
    finally:
        if bars:
            logging.enable_progress_bar()
    ids = encoded["input_ids"][0]
    unknown = int((ids == tokenizer.unk_token_id).sum()) if tokenizer.unk_token_id is not None else 0
    return len(ids), unknown, bool(torch.isfinite(output[0]).all())


def _load(checkpoint: "Checkpoint") -> Any:
    """The part of the model that reads text, in evaluation mode."""
    import transformers

    trust = checkpoint.trust_remote_code
    loader = transformers.AutoModel if trust else getattr(transformers, checkpoint.backbone)
    model = loader.from_pretrained(checkpoint.path, trust_remote_code=trust).eval()
    if checkpoint.adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, checkpoint.adapter).eval()
    if checkpoint.kind == "image-text":
        return model.text_model
    return model.get_encoder() if model.config.is_encoder_decoder else model
