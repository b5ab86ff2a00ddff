"""A checkpoint's scores in its model card: the hub's model-index block, and a table that a reader sees.

Only what is complete bears a task's name; of an incomplete task its single languages are listed. What others wrote into
the card stays: our own results and our own table alone are replaced."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, unknown_names
from harness.report.leaderboard import Row
from harness.report.markdown import table
from harness.store import AVERAGE, replace
from harness.tasks import find_task

SOURCE, SOURCE_URL = "zeroshot-harness", "https://pypi.org/project/zeroshot-harness/"
BEGIN, END = "<!-- harness: scores -->", "<!-- harness: end -->"
TASK_TYPES = {
    "classify": "text-classification",
    "tag": "token-classification",
    "span": "question-answering",
    "choice": "multiple-choice",
    "pair": "sentence-similarity",
    "translate": "translation",
    "mine": "sentence-similarity",
}


def write_card(rows: Sequence[Row], readme: Path, checkpoint: str | None) -> str:
    """Puts a checkpoint's scores into a card, which is made where there is none; returns the checkpoint's name.

    Without a name: the only checkpoint, or the one that the card's folder is called after."""
    from huggingface_hub import ModelCard
    from yaml import YAMLError

    names = list(dict.fromkeys(row.checkpoint for row in rows))
    name = choose(names, readme, checkpoint)
    own = [row for row in rows if row.checkpoint == name and row.status == "scored" and row.main]
    shown = [row for row in own if (row.language == AVERAGE) == row.complete]
    try:
        text = readme.read_text("utf-8") if readme.is_file() else f"---\n{{}}\n---\n# {name}\n"
        card = ModelCard(text)
    except (OSError, ValueError, YAMLError) as error:
        raise HarnessError(
            f"{readme} is no model card ({type(error).__name__}).", "Mend its first block, or give another file."
        ) from error
    data: Any = card.data
    others = [one for one in data.eval_results or [] if one.source_name != SOURCE]
    data.model_name = data.model_name or name
    data.eval_results = [*others, *_results(shown)]
    card.text = _with_table(card.text, shown)
    try:
        replace(readme, str(card).encode("utf-8", "replace"))
    except OSError as error:
        raise HarnessError(f"{readme} cannot be written: {error.strerror}.", "Choose another file.") from error
    return name


def choose(names: Sequence[str], readme: Path, wanted: str | None) -> str:
    """The checkpoint whose card it is."""
    if wanted is not None and wanted not in names:
        raise unknown_names("checkpoint", [wanted], names, f"Scored: {', '.join(names) or 'none'}.")
    found = wanted or (names[0] if len(names) == 1 else readme.resolve().parent.name)
    if found not in names:
        raise HarnessError(
            f"Which of {', '.join(names) or 'no checkpoints'} has the card {readme}?", "Say so with --checkpoint."
        )
    return found


def _results(rows: Sequence[Row]) -> Iterator[Any]:
    from huggingface_hub import EvalResult

    for row in rows:
        task = find_task(row.task)
        value = 0.0 if row.value is None else 100 * row.value
        details = {"settings": row.folder, "signature": row.signature, "n": row.n}
        if row.low is not None and row.high is not None:
            details["interval95"] = [round(100 * row.low, 2), round(100 * row.high, 2)]
        if row.deviation is not None:
            details["seeds"] = row.seeds
            details["deviation"] = round(100 * row.deviation, 2)
        what = f"mean of {row.covered[1]} languages" if row.language == AVERAGE else row.language
        yield EvalResult(
            task_type=TASK_TYPES.get(task.form if task else "", "other"),
            task_name=task.title if task else row.task,
            dataset_type=row.task,
            dataset_name=f"{row.task} ({what})",
            dataset_config=row.language,
            dataset_split=row.split,
            dataset_args={"protocol": row.folder},
            metric_type=row.metric,
            metric_name=f"{row.metric} (percent)",
            metric_value=round(value, 2),
            metric_args=details,
            source_name=SOURCE,
            source_url=SOURCE_URL,
        )


def _with_table(text: str, rows: Sequence[Row]) -> str:
    """The card's text with our table at its end, or where it was."""
    lines = [
        [row.task, row.folder, "average" if row.language == AVERAGE else row.language, row.metric, _value(row)]
        for row in rows
    ]
    block = f"{BEGIN}\n\n{table(['task', 'settings', 'languages', 'metric', 'percent (95%)'], lines)}\n\n{END}"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        return f"{before}{block}{after}"
    return f"{text.rstrip()}\n\n## Zero-shot evaluation\n\n{block}\n"


def _value(row: Row) -> str:
    value = 0.0 if row.value is None else row.value
    if row.low is None or row.high is None:
        return f"{100 * value:.1f} ± {100 * (row.deviation or 0):.1f} over {row.seeds} seeds"
    return f"{100 * value:.1f} ({100 * row.low:.1f}–{100 * row.high:.1f})"
