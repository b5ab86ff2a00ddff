"""Flags of the commands that read results: leaderboard, compare, check. argparse alone."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

SIDE = "NAME, NAME:FOLDER (minilm:retrieve@layer4), or RESULTS/NAME of another results folder"


def add_leaderboard(commands: "Commands") -> None:
    """harness leaderboard."""
    leaderboard = command(commands, "leaderboard", "show the results of a folder")
    leaderboard.add_argument("results", help="results folder")
    leaderboard.add_argument("--format", choices=("table", "json", "csv", "markdown"), default="table")


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


def command(commands: "Commands", name: str, purpose: str) -> argparse.ArgumentParser:
    """A subcommand whose help says what it is for."""
    return commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")


def count(text: str) -> int:
    """A whole number from 0 on (argparse prints the message)."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number")
    return int(text)
