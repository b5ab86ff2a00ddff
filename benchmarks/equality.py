"""Are our log-likelihoods those of lm-eval's own `hf` model? On 300 fixed questions of 6 subjects a language.

    python -m benchmarks.equality --data DIR [--languages en,ar,de,es,zh] [--shots 0,5] [--answers letters,texts]

English is `mmlu` (test), the others `m_mmlu` (validation). A causal model of 3 layers is made on the spot, its
tokenizer trained on the very questions. A line each: the largest difference of a log-likelihood (one option), how many
questions get another answer where the best two are 1e-5 apart, and the right answers of both sides. Exit 1 where a
difference is above 1e-4 or an answer is another one."""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.prompting import make_model, ours, theirs
from harness.examples import Choice
from harness.flags.values import numbers, split_list
from harness.prompts.exam import ENGLISH, STYLES, Put, shots_by_subject
from harness.protocols.lm_eval_tasks import Prepared, ask
from harness.tasks import get_task
from harness.tasks.source import open_source

SUBJECTS, QUESTIONS = 6, 300
TOLERANCE, TIE = 1e-4, 1e-5
BATCH = 8


def questions(data: Path, language: str) -> tuple[str, list[Choice], Any]:
    """(task, 300 questions, the solved ones): the first of the six largest subjects, taken in turn."""
    task, split = ("mmlu", "test") if language == "en" else ("m_mmlu", "validation")
    loaded = get_task(task).load(open_source(data), language, split, None)
    every = [one for one in loaded.examples if isinstance(one, Choice)]  # type: ignore[union-attr]
    counts = Counter(one.subject for one in every)
    names = sorted(counts, key=lambda name: (-counts[name], name))[:SUBJECTS]
    chosen: list[Choice] = []
    rows = [[one for one in every if one.subject == name] for name in names]
    for at in range(max(map(len, rows))):
        chosen += [own[at] for own in rows if at < len(own)]
    return task, sorted(chosen[:QUESTIONS], key=every.index), loaded.shots


def compare(models: Sequence[Any], data: Path, language: str, shots: int, answers: str) -> bool:
    """Prints one line; whether all is equal."""
    task, chosen, solved = questions(data, language)
    put = Put(STYLES[task], ENGLISH, shots_by_subject(solved, shots))
    prompts = [put.lettered(one) if answers == "letters" else put.texts(one) for one in chosen]
    found, expected = (ask(model, {answers: Prepared(answers, prompts)})[answers] for model in models)
    worst, other, ties, right = 0.0, 0, 0, [0, 0]
    for at, one in enumerate(chosen):
        mine, their = found[at].log_likelihoods, expected[at].log_likelihoods
        worst = max(worst, *(abs(a - b) for a, b in zip(mine, their, strict=True)))
        best = [values.index(max(values)) for values in (mine, their)]
        first, second = sorted(their, reverse=True)[:2]
        ties += first - second <= TIE
        other += best[0] != best[1] and first - second > TIE
        right = [total + (own == one.answer) for total, own in zip(right, best, strict=True)]
    subjects = len({one.subject for one in chosen})
    print(
        f"{task} {language} {shots}-shot {answers}: {len(chosen)} questions of {subjects} subjects, largest difference"
        f" {worst:.1e}, {other} other answers, {ties} ties, right {right[0]} (ours) {right[1]} (hf)",
        flush=True,
    )
    return worst <= TOLERANCE and other == 0


def main() -> int:
    """Every wanted combination."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--languages", type=split_list, default=["en", "ar", "de", "es", "zh"])
    parser.add_argument("--shots", type=numbers, default=[0, 5])
    parser.add_argument("--answers", type=split_list, default=["letters"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        texts = ("mmlu/data/*/*.csv", "m_mmlu/*.json")
        folder = make_model(Path(place) / "m", given.data, layers=3, width=128, vocabulary=8000, texts=texts)
        models = (ours(folder), theirs(folder, BATCH))
        wanted = [(code, shots, kind) for code in given.languages for shots in given.shots for kind in given.answers]
        equal = [compare(models, given.data, *one) for one in wanted]
    return 0 if all(equal) else 1


if __name__ == "__main__":
    sys.exit(main())
