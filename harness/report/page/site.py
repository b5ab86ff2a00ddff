"""The static leaderboard: index.html, one self-contained file, with leaderboard.md, .json and .csv beside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.report.leaderboard import Row, as_csv, as_json, group_rows, groups
from harness.report.markdown import as_markdown
from harness.report.page.entry import entry_of
from harness.report.page.model import KnownEntry, known
from harness.report.page.payload import payload
from harness.report.page.resources import SOURCE
from harness.report.page.tables import tabs
from harness.store import Store, replace, writable

FOLDER = Path(__file__).parent
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Gathered:
    """Everything that is shown: flat rows for the tables beside the page, entries for the page."""

    rows: tuple[Row, ...]
    entries: tuple[KnownEntry, ...]


def gather(store: Store, progress: Progress = lambda label, done, total: None) -> Gathered:
    """One pass over a results folder, one (checkpoint, task, setting) at a time. HarnessError where nothing is
    scored."""
    rows: list[Row] = []
    entries: list[KnownEntry] = []
    total = sum(1 for path in store.root.glob("[!.]*/*/*") if path.is_dir()) if store.root.is_dir() else 0
    for number, group in enumerate(groups(store)):
        progress("reading results", number, total)
        rows += group_rows(group)
        entry = entry_of(group)
        if entry is not None:
            entries.append(KnownEntry(entry, known(store, group)))
    progress("reading results", total, total)
    if not entries:
        raise HarnessError(f"{store.root} holds no scored result.", "Run `harness eval` first.")
    return Gathered(tuple(rows), tuple(entries))


def write_site(store: Store, gathered: Gathered, folder: Path) -> Path:
    """Writes the four files; returns the page's path."""
    writable(folder)
    page = folder / "index.html"
    for path, text in _files(store, gathered, page):
        replace(path, text.encode("utf-8", "replace"))
    return page


def _files(store: Store, gathered: Gathered, page: Path) -> Iterator[tuple[Path, str]]:
    yield page, render(gathered.entries, store.root.resolve().name)
    yield page.with_name("leaderboard.md"), as_markdown(gathered.rows) + "\n"
    yield page.with_name("leaderboard.json"), as_json(gathered.rows) + "\n"
    yield page.with_name("leaderboard.csv"), as_csv(gathered.rows) + "\n"


def render(entries: Sequence[KnownEntry], title: str) -> str:
    """The page as HTML. Names are the user's: the template escapes all of them, and data travel as JSON text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = tabs(entries)
    values: dict[str, Any] = {
        "title": title,
        "tabs": shown,
        "kinds": sorted({one.known.kind for one in entries}),
        "protocols": sorted({one.entry.supervision.protocol for one in entries}),
        "checkpoints": len({one.entry.checkpoint for one in entries}),
        "numbers": sum(len(one.entry.cells) for one in entries),
        "resources": SOURCE,
        "data": payload(entries, [(tab.id, tab.tasks) for tab in shown]),
        # Our own files, from the package.
        "style": Markup((FOLDER / "style.css").read_text("utf-8")),
        "script": Markup((FOLDER / "page.js").read_text("utf-8") + (FOLDER / "languages.js").read_text("utf-8")),
    }
    return environment.get_template("page.html.j2").render(values)
