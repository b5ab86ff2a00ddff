"""The line-based files of a submission: labels, tags and pairs of ids.

Traps: the official scorer counts a trailing blank line as a row and two blank lines between sentences as an
empty sentence, and takes `token TAB tag` for a tag, of which it compares what follows the last dash."""

from pathlib import Path

from harness.errors import HarnessError
from harness.report.layout_file import BLANKED, Contents, Row, lines_of


def read_lines(path: Path, content: str) -> Contents:
    """One label per line, compared as it stands."""
    return Contents(path, tuple(Row(str(number), line, number) for number, line in lines_of(content)))


def read_line_labels(path: Path, content: str) -> Contents:
    """Labels, one per line: blank lines at the end are dropped with a warning, elsewhere refused."""
    contents = without_blank_end(read_lines(path, content))
    blank = [row.line for row in contents.rows if not row.value]
    if blank:
        count = f"{len(blank)} of {len(contents.rows)} labels are"
        raise HarnessError(f"{path}, line {blank[0]}: the label is empty ({count}).", BLANKED)
    return contents


def without_blank_end(contents: Contents, keep: int = 0) -> Contents:
    """Without its blank last rows, as long as more than `keep` rows stay; a warning says so."""
    rows = contents.rows
    while len(rows) > keep and not rows[-1].value:
        rows = rows[:-1]
    dropped = len(contents.rows) - len(rows)
    note = (f"{contents.path}: blank lines at the end were ignored ({dropped}).",) if dropped else ()
    return Contents(contents.path, rows, (*contents.warnings, *note))


def read_tags(path: Path, content: str) -> Contents:
    """Sentences stand apart by any number of blank lines; of several columns the last is the tag."""
    rows: list[Row] = []
    tags: list[str] = []
    wide = start = 0
    for number, line in [*lines_of(content), (0, "")]:
        if line:
            columns = line.split()
            wide += len(columns) > 1
            start = start if tags else number
            tags.append(columns[-1])
        elif tags:
            rows.append(Row(str(len(rows) + 1), tuple(tags), start))
            tags = []
    note = f"{path}: lines with several columns ({wide}); the last column was taken as the tag."
    return Contents(path, tuple(rows), (note,) if wide else ())


def read_pairs(path: Path, content: str) -> Contents:
    """`<source id> TAB <target id>` per line. What is no such line, a blank one included, is a wrong pair."""
    contents = _pairs(read_lines(path, content))
    warnings = [] if contents.rows else [f"{path} is empty: no pair was predicted."]
    if odd := [row.line for row in contents.rows if not _is_pair(row)]:
        count = f"such rows ({len(odd)}) count as wrong pairs"
        warnings.append(f"{path}, line {odd[0]}: not two ids with a tab between them; {count}.")
    return Contents(path, contents.rows, (*warnings, *contents.warnings))


def read_pair_labels(path: Path, content: str) -> Contents:
    """Gold pairs: every line must be one; blank lines at the end are dropped with a warning."""
    contents = _pairs(without_blank_end(read_lines(path, content)))
    for row in contents.rows:
        if not _is_pair(row):
            problem = f"{path}, line {row.line}: not two ids with a tab between them."
            raise HarnessError(problem, "Write `<source id> TAB <target id>`.")
    return contents


def _pairs(lines: Contents) -> Contents:
    columns = [(tuple(row.value.split("\t")), row.line) for row in lines.rows]
    rows = tuple(Row(value[0], value, line) for value, line in columns)
    repeated = len(rows) - len({row.value for row in rows})
    note = (f"{lines.path}: rows that repeat an earlier one ({repeated}) count once.",) if repeated else ()
    return Contents(lines.path, rows, (*lines.warnings, *note))


def _is_pair(row: Row) -> bool:
    return len(row.value) == 2 and all(row.value)
