"""The flags of the commands that read results: leaderboard, compare, check, score, export."""

import argparse
from typing import TYPE_CHECKING

from harness.flags.values import command, count, points

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

SIDE = "NAME, NAME:FOLDER (minilm:retrieve@layer4), or RESULTS/NAME of another results folder"


def add_leaderboard(commands: "Commands") -> None:
    """harness leaderboard."""
    leaderboard = command(commands, "leaderboard", "show the results of a folder")
    leaderboard.add_argument("results", help="results folder")
    add = leaderboard.add_argument
    add("--output", metavar="DIR", help="write a static page (index.html) and leaderboard.md, .json, .csv there")
    add("--format", choices=("table", "json", "csv", "markdown", "html", "latex"), default="table")
    add("--plots", action="store_true", help="also write figures (PNG, SVG) into --output/plots; needs matplotlib")
    add("--agreement", action="store_true", help="exams: equal answers across languages, accuracy given English")
    add("--reference", metavar="NAME", help="the checkpoint that plotted differences are from")
    add("--model-card", metavar="FILE", help="put one checkpoint's scores into its README.md (the hub's model-index)")
    add("--checkpoint", metavar="NAME", help="whose card it is (default: the only one, or the card's folder)")
    add("--include", action="append", default=[], metavar="FILE", help="Python file that defines a task; repeatable")
    add("--quiet", action="store_true", help="no progress bar")


def add_compare(commands: "Commands") -> None:
    """harness compare."""
    compare = command(commands, "compare", "tell where two checkpoints differ, and whether it is more than noise")
    add = compare.add_argument
    add("results", help="results folder")
    add("a", metavar="A", help=SIDE)
    add("b", metavar="B", help="likewise; differences are B minus A")
    add("--show", type=count, default=0, metavar="N", help="also N items of each task that flipped")
    add("--data", metavar="DIR", help="data folder, to show the text of flipped items")
    add("--why", action="store_true", help="only list every setting and version in which the two differ")
    add("--include", action="append", default=[], metavar="FILE", help="Python file that defines a task; repeatable")
    add("--format", choices=("table", "json"), default="table")
    add("--quiet", action="store_true", help="no progress bar")


def add_check(commands: "Commands") -> None:
    """harness check."""
    check = command(commands, "check", "a gate: exit 1 where a number got worse, 3 where that cannot be told")
    add = check.add_argument
    add("results", help="results folder of the candidate (or of what to freeze)")
    add("--baseline", metavar="PLACE", help="results folder, or a file that --freeze wrote")
    add("--anchor", metavar="PLACE", help="a second, fixed baseline that catches slow drift")
    add("--freeze", metavar="FILE", help="write the results as one baseline file and stop")
    add("--tolerance", type=points, default=1.0, metavar="POINTS", help="what a number may lose (default: 1 point)")
    add("--cells", action="store_true", help="gate single languages too, not only task averages")
    add("--inconclusive", choices=("fail", "pass"), default="fail", help="exit 3 or 0 where it cannot be told")
    add("--seed-deviation", type=points, metavar="POINTS", help="of a retrained model, where the baseline has one seed")
    add("--checkpoint", action="append", metavar="NAME", help="which of the results (a pattern: seeds of one recipe)")
    add("--baseline-checkpoint", action="append", metavar="NAME", help="likewise of the baseline")
    add("--junit", metavar="FILE", help="also write JUnit XML")
    add("--markdown", metavar="FILE", help="also write a summary for a pull request")
    add("--include", action="append", default=[], metavar="FILE", help="Python file that defines a task; repeatable")
    add("--format", choices=("table", "json", "markdown"), default="table")
    add("--quiet", action="store_true", help="print nothing; the exit code and the files say it")


def add_score(commands: "Commands") -> None:
    """harness score."""
    score = command(commands, "score", "score a submission folder as the official XTREME scorer does")
    score.add_argument("--predictions", required=True, metavar="DIR", help="<task>/test-<language>.<ext>")
    score.add_argument("--labels", required=True, metavar="DIR", help="the same layout with gold labels")
    score.add_argument("--benchmark", choices=("xtreme", "xtreme-r"), default="xtreme")
    score.add_argument(
        "--pos-rule",
        choices=("legacy", "seqeval1"),
        default="legacy",
        help="how UDPOS tags make units: as the official scorer's seqeval did (default), or as seqeval 1 does",
    )
    score.add_argument("--format", choices=("table", "json"), default="table")


def add_export(commands: "Commands") -> None:
    """harness export."""
    export = command(commands, "export", "write results as an official submission folder")
    export.add_argument("results", help="results folder")
    export.add_argument("checkpoint", help="the checkpoint's name in the results")
    export.add_argument("--output", default="submission", metavar="DIR")
    export.add_argument("--with-labels", action="store_true", help="also write labels/ from the results' own gold")
    export.add_argument("--setting", metavar="NAME", help="which one (`retrieve@layer4`) where a task has several")
