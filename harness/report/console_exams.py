"""An exam's scores beside what no knowledge would give: the commonest letter, chance, and whether the answers beat keys
dealt out anew."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from harness.report.leaderboard import Row
from harness.store import AVERAGE

BASELINE = "majority_baseline"
# Metric -> the head of its column; those that no row has are left out. `majority` is always giving the commonest right
# letter, CS and CA are culturally sensitive and agnostic questions.
COLUMNS = {
    "accuracy": "accuracy",
    "macro": "macro",
    BASELINE: "majority",
    "chance": "chance",
    "accuracy_CS": "CS",
    "accuracy_CA": "CA",
}
MARK, VALUE = "above_chance", "above_chance_p"


def exam_tables(rows: Sequence[Row], marks: Mapping[str, str]) -> list[Table]:
    """One table an exam; `marks` are the letters of settings."""
    exams = dict.fromkeys(row.task for row in rows if row.metric == BASELINE)
    return [_table([row for row in rows if row.task == task and row.status == "scored"], marks) for task in exams]


def noted(signature: str, name: str) -> str:
    """What a signature says under a name, "" where it says nothing."""
    found = [part.partition(":")[2] for part in signature.split("|") if part.startswith(f"{name}:")]
    return found[0] if found else ""


def _table(rows: Sequence[Row], marks: Mapping[str, str]) -> Table:
    there = {row.metric for row in rows}
    columns = {metric: head for metric, head in COLUMNS.items() if metric in there}
    table = Table(title=f"{rows[0].task} beside what no knowledge would give (percent)")
    for head in ("language", "checkpoint"):
        table.add_column(head)
    for head in (*columns.values(), "above chance"):
        table.add_column(head, justify="right")
    for language, name, folder, protocol in dict.fromkeys(_line(row) for row in rows):
        own = {row.metric: row for row in rows if _line(row) == (language, name, folder, protocol)}
        values = (own[metric].value if metric in own else None for metric in columns)
        cells = ["" if value is None else f"{100 * value:.1f}" for value in values]
        head = " ".join(filter(None, [name, protocol, marks.get(folder, "")]))
        table.add_row(language, Text(head), *cells, _above(own))
    return table


def _line(row: Row) -> tuple[str, str, str, str]:
    return row.language, row.checkpoint, row.folder, row.protocol


def _above(own: Mapping[str, Row]) -> str:
    """`no (p 0.31)`; an average, and a mean over seeds, has no such test."""
    main = next(row for row in own.values() if row.main)
    if main.language == AVERAGE or main.seeds > 1:
        return ""
    said, value = noted(main.signature, MARK), noted(main.signature, VALUE)
    return f"{said} (p {value})" if said else ""
