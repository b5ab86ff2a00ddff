"""`harness leaderboard` from its options: text for the terminal, or files."""

import argparse
from collections.abc import Callable
from pathlib import Path

from harness.errors import HarnessError
from harness.folder import open_folder
from harness.report.leaderboard import as_csv, as_json, leaderboard
from harness.store import Store
from harness.tasks import include

Progress = Callable[[str, int, int], None]


def write(options: argparse.Namespace, progress: Progress) -> list[Path]:
    """The files that were asked for, in the order in which they were written."""
    include(options.include)
    store = Store(open_folder(options.results))
    if options.plots and options.output is None:
        raise HarnessError("--plots needs --output.", "Say where: --output site")
    if options.reference is not None and not options.plots:
        raise HarnessError("--reference is for --plots.", "Add --plots, or leave it out.")
    if options.checkpoint is not None and options.model_card is None:
        raise HarnessError("--checkpoint is for --model-card.", "Add --model-card FILE, or leave it out.")
    written: list[Path] = []
    if options.output is not None:
        from harness.report.page.site import gather, write_site

        gathered = gather(store, progress)
        if options.plots:
            from harness.report.plots import write_plots

            folder = Path(options.output) / "plots"
            written += write_plots([one.entry for one in gathered.entries], folder, options.reference)
        written.append(write_site(store, gathered, Path(options.output)))
    if options.model_card is not None:
        from harness.report.model_card import write_card

        write_card(leaderboard(store), Path(options.model_card), options.checkpoint)
        written.append(Path(options.model_card))
    return written


def as_text(options: argparse.Namespace) -> str | None:
    """What `--format` asks for; None for the table, which is the console's."""
    if options.format == "table":
        return None
    store = Store(open_folder(options.results))
    if options.format in ("html", "latex"):
        from harness.report.latex import as_latex
        from harness.report.page.site import gather, render

        entries = gather(store).entries
        return as_latex(entries) if options.format == "latex" else render(entries, store.root.resolve().name)
    rows = leaderboard(store)
    if options.format == "json":
        return as_json(rows)
    if options.format == "csv":
        return as_csv(rows)
    from harness.report.markdown import as_markdown

    return as_markdown(rows)
