"""What asking a language model costs here and with lm-eval's own `hf` model, on identical requests, interleaved.

    python -m benchmarks.prompting --data DIR [--repeats 3] [--part few-shot|vocabulary|masked|loading]

few-shot: 300 questions of 6 MMLU subjects, 5 shots, 8 layers of width 512, vocabulary 32,000, `hf` at its best batch.
vocabulary: the same questions without shots and a vocabulary of 250,000, equal tokens a batch; peak memory too.
masked: pseudo-log-likelihood and letter cloze of a small masked model. loading: all languages of m_mmlu beside a pass.
Every part checks that both sides give the same answers."""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from harness.checkpoint import open_checkpoint
from harness.likelihood.language_model import open_language_model
from harness.likelihood.scorer import Scorer
from harness.prompts.exam import ENGLISH, STYLES, Put, shots_by_subject
from harness.protocols.lm_eval_model import HarnessLM
from harness.tasks import get_task
from harness.tasks.source import open_source

SUBJECTS, EACH = 6, 50
BATCHES = (1, 2, 4, 8, 16)


def requests(data: Path, shots: int) -> list[tuple[str, str]]:
    """(context, continuation) of every letter."""

    loaded = get_task("mmlu").load(open_source(data), "en", "test", None)
    examples: Any = loaded.examples
    names = list(dict.fromkeys(one.subject for one in examples))[:SUBJECTS]
    chosen = [one for name in names for one in [other for other in examples if other.subject == name][:EACH]]
    put = Put(STYLES["mmlu"], ENGLISH, shots_by_subject(loaded.shots, shots))
    prompts = [put.lettered(one) for one in chosen]
    return [(prompt.context, letter) for prompt in prompts for letter in prompt.continuations]


def make_model(folder: Path, data: Path, *, layers: int, width: int, vocabulary: int, kind: str = "causal") -> Path:
    """A model on the spot, its tokenizer trained on MMLU's own text."""

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=min(vocabulary, 32_000), special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    texts = [path.read_text("utf-8") for path in sorted(data.glob("mmlu/data/*/*.csv"))]
    tokenizer.train_from_iterator(texts, trainer)
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    if kind == "masked":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
        )
        names |= {"mask_token": "<mask>", "cls_token": "<s>", "sep_token": "</s>"}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=2048, **names)
    torch.manual_seed(0)
    sizes = {"vocab_size": vocabulary, "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": 8}
    sizes |= {"intermediate_size": 4 * width, "max_position_embeddings": 2050, "pad_token_id": 1}
    sizes |= {"bos_token_id": 0, "eos_token_id": 2}
    model = (
        XLMRobertaForMaskedLM(XLMRobertaConfig(**sizes)) if kind == "masked" else LlamaForCausalLM(LlamaConfig(**sizes))
    )
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def ask(model: Any, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Log-likelihoods through lm-eval's interface."""

    asked = [Instance("loglikelihood", {}, pair, at) for at, pair in enumerate(pairs)]
    return [value for value, _ in model.loglikelihood(asked)]


def ours(folder: Path) -> Any:
    """Our model in lm-eval's dress."""

    return HarnessLM.create_from_arg_string(f"pretrained={folder},device=cpu")


def theirs(folder: Path, batch: int) -> Any:
    """lm-eval's own."""

    return HFLM(pretrained=str(folder), dtype="float32", device="cpu", batch_size=batch)


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, result)."""
    began = time.perf_counter()
    found = run()
    return time.perf_counter() - began, found


def interleave(sides: dict[str, Callable[[], list[float]]], repeats: int) -> dict[str, float]:
    """The least seconds of each side over some rounds; all must agree to 1e-3."""
    best: dict[str, float] = {}
    for _ in range(repeats):
        answers = {}
        for name, run in sides.items():
            seconds, answers[name] = timed(run)
            best[name] = min(best.get(name, seconds), seconds)
        first, *others = answers.values()
        for other in others:
            worst = max(abs(a - b) for a, b in zip(first, other, strict=True))
            assert worst < 1e-3, f"the sides differ by {worst}"
    return best


def few_shot(data: Path, repeats: int) -> None:
    """5 shots, 300 questions."""
    pairs = requests(data, 5)
    with tempfile.TemporaryDirectory() as place:
        folder = make_model(Path(place) / "m", data, layers=8, width=512, vocabulary=32_000)
        some = pairs[:: len(pairs) // 80]
        trial = {size: timed(lambda size=size: ask(theirs(folder, size), some))[0] for size in BATCHES}
        size = min(trial, key=lambda one: trial[one])
        mine, other = ours(folder), theirs(folder, size)
        found = interleave({"ours": lambda: ask(mine, pairs), "hf": lambda: ask(other, pairs)}, repeats)
    ratio = found["hf"] / found["ours"]
    print(f"few-shot: {len(pairs) // 4} questions, ours {found['ours']:.1f} s, hf at batch {size} {found['hf']:.1f} s,"
          f" {ratio:.1f} times")  # fmt: skip


def vocabulary(data: Path, repeats: int) -> None:
    """0 shots, a vocabulary of 250,000; each side in a process of its own for its peak memory."""
    with tempfile.TemporaryDirectory() as place:
        folder = make_model(Path(place) / "m", data, layers=2, width=256, vocabulary=250_000)
        best: dict[str, list[float]] = {}
        for _ in range(repeats):
            for side in ("ours", "hf"):
                code = [
                    sys.executable,
                    "-m",
                    "benchmarks.prompting",
                    "--data",
                    str(data),
                    "--side",
                    side,
                    "--folder",
                    str(folder),
                ]
                done = subprocess.run(code, capture_output=True, text=True, check=True)
                seconds, peak = map(float, done.stdout.split()[-2:])
                best[side] = [min(a, b) for a, b in zip(best.get(side, [9e9, 9e9]), (seconds, peak), strict=True)]
    (mine, my_peak), (other, their_peak) = best["ours"], best["hf"]
    print(f"vocabulary of 250,000: ours {mine:.1f} s and {my_peak:.2f} GiB above the model, hf {other:.1f} s and"
          f" {their_peak:.2f} GiB, {other / mine:.1f} times")  # fmt: skip


def one_side(data: Path, side: str, folder: Path) -> None:
    """Seconds and peak memory above the loaded model, printed."""

    pairs = requests(data, 0)
    model = ours(folder)
    width = max(len(model.tok_encode(context)) for context, _ in pairs)
    if side == "hf":
        # As many tokens at once as ours takes, padding included.
        model = theirs(folder, max(1, 2048 // width))
    ask(model, pairs[:4])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, _ = timed(lambda: ask(model, pairs))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    print(seconds, peak)


def masked(data: Path, repeats: int) -> None:
    """Pseudo-log-likelihood of all option texts, and the letter cloze, of a small masked model."""

    letters = requests(data, 0)
    texts = [(context, f" {context[-40:].split()[0]} {letter}") for context, letter in letters]
    with tempfile.TemporaryDirectory() as place:
        folder = make_model(Path(place) / "m", data, layers=4, width=256, vocabulary=32_000, kind="masked")
        scorer = Scorer(open_language_model(open_checkpoint(str(folder)), "float32", "cpu"))
        for name, pairs in (("letter cloze", letters), ("texts of two words", texts)):
            seconds = min(
                timed(lambda p=pairs: scorer.pseudo_log_likelihoods(p, "word-l2r"))[0] for _ in range(repeats)
            )
            print(f"masked, {name}: {len(pairs)} options in {seconds:.1f} s")


def loading(data: Path, repeats: int) -> None:
    """Reading and grouping every language of m_mmlu at hand."""

    source = open_source(data)
    codes = sorted({path.name[:2] for path in (data / "m_mmlu").glob("*_val.json")})
    read = lambda: [get_task("m_mmlu").load(source, code, "validation", None).count for code in codes]  # noqa: E731
    seconds, counts = min((timed(read) for _ in range(repeats)), key=lambda one: one[0])
    print(f"loading: {sum(counts)} questions of {len(codes)} languages in {seconds:.2f} s")


def main() -> None:
    """Runs one part or all."""
    parts = {"few-shot": few_shot, "vocabulary": vocabulary, "masked": masked, "loading": loading}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--part", choices=parts, action="append")
    parser.add_argument("--side", choices=("ours", "hf"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        one_side(given.data, given.side, given.folder)
        return
    for name in given.part or parts:
        parts[name](given.data, given.repeats)


if __name__ == "__main__":
    main()
