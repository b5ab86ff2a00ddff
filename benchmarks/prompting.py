"""What asking a language model costs here and with lm-eval's own `hf` model, on identical requests, interleaved.

    python -m benchmarks.prompting --data DIR [--repeats 3] [--questions 300] [--part few-shot] ...

few-shot: 300 questions of 6 MMLU subjects, 5 shots, 8 layers of width 512, vocabulary 32,000, `hf` at its best batch.
vocabulary: the same questions without shots and a vocabulary of 250,000, equal tokens a batch; peak memory too.
masked: pseudo-log-likelihood and letter cloze of a small masked model. loading: all languages of m_mmlu beside a pass.
The first checks that both sides give the same answers; `benchmarks.equality` does so at length."""

import argparse
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
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from harness.checkpoint import open_checkpoint
from harness.examples import Choice
from harness.likelihood.language_model import LanguageModel, open_language_model
from harness.likelihood.masked import Masker
from harness.likelihood.scorer import Scorer
from harness.prompts.exam import ENGLISH, STYLES, Put, shots_by_subject
from harness.protocols.lm_eval_model import HarnessLM
from harness.tasks import get_task
from harness.tasks.source import open_source

SUBJECTS = 6
QUESTIONS = 300
# Questions that a masked model also answers one copy a pass.
ALONE = 5
BATCHES = (1, 2, 4, 8, 16)


def questions(data: Path, shots: int, count: int) -> tuple[Put, list[Choice]]:
    """The first of six subjects of MMLU's test, and how they are put."""
    loaded = get_task("mmlu").load(open_source(data), "en", "test", None)
    examples = [one for one in loaded.examples if isinstance(one, Choice)]  # type: ignore[union-attr]
    solved = [one for one in loaded.shots if isinstance(one, Choice)]
    names = list(dict.fromkeys(one.subject for one in examples))[:SUBJECTS]
    each = max(1, count // SUBJECTS)
    chosen = [one for name in names for one in [other for other in examples if other.subject == name][:each]]
    return Put(STYLES["mmlu"], ENGLISH, shots_by_subject(solved, shots)), chosen


def requests(data: Path, shots: int, count: int) -> list[tuple[str, str]]:
    """(context, continuation) of every letter."""
    put, chosen = questions(data, shots, count)
    prompts = [put.lettered(one) for one in chosen]
    return [(prompt.context, letter) for prompt in prompts for letter in prompt.continuations]


def make_model(
    folder: Path,
    data: Path,
    *,
    layers: int,
    width: int,
    vocabulary: int,
    kind: str = "causal",
    texts: Sequence[str] = ("mmlu/data/*/*.csv",),
) -> Path:
    """A model on the spot, its tokenizer trained on the files that `texts` match: MMLU's own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=min(vocabulary, 32_000), special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    paths = [path for pattern in texts for path in sorted(data.glob(pattern))]
    tokenizer.train_from_iterator([path.read_text("utf-8") for path in paths], trainer)
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


def few_shot(data: Path, repeats: int, count: int) -> None:
    """5 shots, 300 questions."""
    pairs = requests(data, 5, count)
    with tempfile.TemporaryDirectory() as place:
        folder = make_model(Path(place) / "m", data, layers=8, width=512, vocabulary=32_000)
        some = pairs[:: max(1, len(pairs) // 80)]
        trial = {size: timed(lambda size=size: ask(theirs(folder, size), some))[0] for size in BATCHES}
        size = min(trial, key=lambda one: trial[one])
        mine, other = ours(folder), theirs(folder, size)
        found = interleave({"ours": lambda: ask(mine, pairs), "hf": lambda: ask(other, pairs)}, repeats)
    ratio = found["hf"] / found["ours"]
    print(f"few-shot: {len(pairs) // 4} questions, ours {found['ours']:.1f} s, hf at batch {size} {found['hf']:.1f} s,"
          f" {ratio:.1f} times")  # fmt: skip


def vocabulary(data: Path, repeats: int, count: int) -> None:
    """0 shots, a vocabulary of 250,000; each side in a process of its own for its peak memory, in turns."""
    with tempfile.TemporaryDirectory() as place:
        folder = make_model(Path(place) / "m", data, layers=2, width=256, vocabulary=250_000)
        best: dict[str, list[float]] = {}
        for _ in range(repeats):
            for side in ("ours", "hf"):
                code = [sys.executable, "-m", "benchmarks.prompting", "--data", str(data), "--side", side]
                code += ["--folder", str(folder), "--questions", str(count)]
                done = subprocess.run(code, capture_output=True, text=True, check=True)
                found = list(map(float, done.stdout.split()[-3:]))
                best[side] = [min(a, b) for a, b in zip(best.get(side, found), found, strict=True)]
    for side, (seconds, peak, above) in best.items():
        print(f"vocabulary of 250,000, {side}: {seconds:.1f} s, peak {peak:.2f} GiB, {above:.2f} GiB above the model")
    mine, other = best["ours"], best["hf"]
    print(
        f"vocabulary of 250,000: {other[0] / mine[0]:.1f} times as fast, {mine[1] / other[1]:.2f} of the peak,"
        f" {mine[2] / other[2]:.2f} of what is above the model"
    )


def one_side(data: Path, side: str, folder: Path, count: int) -> None:
    """Seconds, peak memory of the process, and what of it is above the loaded model (GiB), printed."""
    pairs = requests(data, 0, count)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    # As many tokens at once as ours takes, padding included.
    width = max(len(tokenizer(context).input_ids) for context, _ in pairs)
    model = ours(folder) if side == "ours" else theirs(folder, max(1, 2048 // width))
    before = peak()
    ask(model, pairs[:4])
    seconds, _ = timed(lambda: ask(model, pairs))
    print(seconds, peak(), peak() - before)


def peak() -> float:
    """Most memory (GiB) that this process has held, mapped files included. Not getrusage's, which starts a new process
    with what its parent held."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**20


def masked(data: Path, repeats: int, count: int) -> None:
    """The letter cloze and the option texts' pseudo-log-likelihood of a small masked model; on some questions also with
    one copy a pass."""
    put, chosen = questions(data, 0, count)
    letters, texts = (
        [(one.context, text) for one in map(render, chosen) for text in one.continuations]
        for render in (put.lettered, put.texts)
    )
    with tempfile.TemporaryDirectory() as place:
        folder = make_model(Path(place) / "m", data, layers=4, width=256, vocabulary=32_000, kind="masked")
        model = open_language_model(open_checkpoint(str(folder)), "float32", "cpu")
        scorer = Scorer(model)
        masker = Masker(model.tokenizer, model.max_length, "word-l2r")
        for name, pairs in (("letter cloze", letters), ("pseudo-log-likelihood of the answer texts", texts)):
            copies = {copy for own in masker.copies(pairs)[0] for copy, _ in own}
            ask_all = lambda pairs=pairs: scorer.pseudo_log_likelihoods(pairs, "word-l2r")  # noqa: E731
            seconds = min(timed(ask_all)[0] for _ in range(repeats))
            print(
                f"masked, {name}: {len(chosen)} questions, {len(copies)} copies,"
                f" {sum(len(one.ids) for one in copies)} tokens in {seconds:.1f} s"
            )
        some = texts[: 4 * ALONE]
        batched = min(timed(lambda: scorer.pseudo_log_likelihoods(some, "word-l2r"))[0] for _ in range(repeats))
        alone = min(timed(lambda: one_by_one(model, masker, some))[0] for _ in range(repeats))
    print(f"masked, {ALONE} questions: batched {batched:.1f} s, one copy a pass {alone:.1f} s")


def one_by_one(model: LanguageModel, masker: Masker, pairs: Sequence[tuple[str, str]]) -> None:
    """Every copy in a pass of its own, with the whole table of logits."""
    with torch.inference_mode():
        for own in masker.copies(pairs)[0]:
            for copy, token in own:
                float(torch.log_softmax(model.module(torch.tensor([copy.ids])).logits[0, copy.place], -1)[token])


def loading(data: Path, repeats: int, count: int) -> None:
    """Reading and grouping every language of m_mmlu at hand, beside one pass over its questions (letters, 0 shots) of
    the few-shot model, measured on a part of them."""
    source = open_source(data)
    codes = sorted({path.name.removesuffix("_val.json") for path in (data / "m_mmlu").glob("*_val.json")})
    read = lambda: [get_task("m_mmlu").load(source, code, "validation", None) for code in codes]  # noqa: E731
    seconds, found = min((timed(read) for _ in range(repeats)), key=lambda one: one[0])
    total = sum(one.count for one in found)
    put = Put(STYLES["m_mmlu"], ENGLISH, {})
    part = [example for one in found for example in list(one.examples)[: count // len(codes)]]  # type: ignore[arg-type]
    prompts = [put.lettered(one) for one in part if isinstance(one, Choice)]
    pairs = [(prompt.context, letter) for prompt in prompts for letter in prompt.continuations]
    with tempfile.TemporaryDirectory() as place:
        texts = ("mmlu/data/*/*.csv", "m_mmlu/*.json")
        folder = make_model(Path(place) / "m", data, layers=8, width=512, vocabulary=32_000, texts=texts)
        model = ours(folder)
        passed = min(timed(lambda: ask(model, pairs))[0] for _ in range(repeats)) * total / len(prompts)
    print(
        f"loading: {total} questions of {len(codes)} languages in {seconds:.2f} s; one pass over them takes"
        f" {passed:.0f} s (from {len(prompts)} of them): {100 * seconds / passed:.2f}%"
    )


def main() -> None:
    """Runs one part or all."""
    parts = {"few-shot": few_shot, "vocabulary": vocabulary, "masked": masked, "loading": loading}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="fewer of them for a trial")
    parser.add_argument("--part", choices=parts, action="append")
    parser.add_argument("--side", choices=("ours", "hf"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        one_side(given.data, given.side, given.folder, given.questions)
        return
    for name in given.part or parts:
        parts[name](given.data, given.repeats, given.questions)


if __name__ == "__main__":
    main()
