"""`harness leaderboard` from its options: text for the terminal, or files."""

import argparse
from collections.abc import Callable
from pathlib import Path

from harness.report.leaderboard import as_csv, as_json, leaderboard
from harness.store import Store
from harness.tasks import include

Progress = Callable[[str, int, int], None]


def write(options: argparse.Namespace, progress: Progress) -> list[Path]:
    """The files that were asked for, in the order in which they were written."""
    from harness.report.page.site import write_site

    include(options.include)
    store = Store(Path(options.results))
    return [write_site(store, Path(options.output), progress)] if options.output is not None else []


def as_text(options: argparse.Namespace) -> str | None:
    """What `--format` asks for; None for the table, which is the console's."""
    if options.format == "table":
        return None
    store = Store(Path(options.results))
    if options.format == "html":
        from harness.report.page.site import gather, render

        return render(gather(store).entries, store.root.resolve().name)
    rows = leaderboard(store)
    if options.format == "json":
        return as_json(rows)
    if options.format == "csv":
        return as_csv(rows)
    from harness.report.markdown import as_markdown

    return as_markdown(rows)
