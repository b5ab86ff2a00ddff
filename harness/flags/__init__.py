"""Every command's flags. argparse alone, so that `harness --help` answers at once."""

import argparse
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from harness.flags.evaluation import add_eval
from harness.flags.mining import add_mine
from harness.flags.reports import add_check, add_compare, add_export, add_leaderboard, add_score
from harness.flags.study import add_study
from harness.flags.training import add_train
from harness.flags.values import command

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EXAMPLES = """\
examples:
  harness eval --model ckpt/ --tasks tatoeba,bucc2018 --data DIR
  harness train --recipe mnli --base xlm-roberta-base --data DIR --output ckpt/mnli
  harness study --base xlm-roberta-base --recipes none,mnli,squad --tasks xtreme --data DIR --output study
  harness leaderboard results
  harness compare results ckpt-a ckpt-b
  harness check results --baseline baseline.json --junit report.xml
  harness mine --source de.txt --target en.txt --model ckpt/ --output pairs.tsv
  harness score --predictions submission --labels labels --format json
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of `harness`; the command's name is in `command`."""
    parser = argparse.ArgumentParser(
        prog="harness",
        description="Zero-shot multilingual evaluation of any checkpoint.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"zeroshot-harness {own_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for add in (
        add_eval,
        add_train,
        add_study,
        add_leaderboard,
        add_compare,
        add_check,
        add_score,
        add_export,
        add_mine,
        add_data,
        add_list,
        add_doctor,
        add_lm_eval,
    ):
        add(commands)
    return parser


def add_data(commands: "Commands") -> None:
    """harness data."""
    data = command(commands, "data", "list, check and fetch data sets")
    what = data.add_subparsers(title="commands", metavar="WHAT", dest="what", required=True)
    list_ = command(what, "list", "print what can be fetched: hub ids, pins, licences, languages")
    verify = command(what, "verify", "report what a data folder holds and name its odd files (exit code 1)")
    fetch = command(what, "fetch", "bring data sets into a folder; files that are there are kept")
    for one in (list_, verify):
        one.add_argument("--format", choices=("table", "json"), default="table")
    fetch.add_argument("--tasks", required=True, metavar="A,B", help="tasks, benchmarks or data sets")
    fetch.add_argument("--languages", metavar="de,sw,...", help="only these (default: each task's official list)")
    overlap = command(what, "overlap", "tell what of tasks a checkpoint was trained on (exit code 1 where any)")
    overlap.add_argument("manifest", metavar="MANIFEST", help="manifest.json of `harness train`, or its folder")
    overlap.add_argument("--tasks", required=True, metavar="A,B", help="tasks and benchmarks")
    overlap.add_argument("--languages", metavar="de,sw,...", help="only these (default: each task's official list)")
    overlap.add_argument("--format", choices=("table", "json"), default="table")
    for one in (verify, fetch, overlap):
        one.add_argument("--data", metavar="DIR", help="data folder (default: $HARNESS_DATA or ~/.cache/harness/data)")
        one.add_argument("--quiet", action="store_true", help="no progress bar")


def add_list(commands: "Commands") -> None:
    """harness list."""
    list_ = command(commands, "list", "print tasks, models, recipes, kinds of checkpoints")
    list_.add_argument("what", choices=("tasks", "models", "recipes", "kinds"))
    list_.add_argument("--include", action="append", default=[], metavar="FILE", help="also tasks of this Python file")
    list_.add_argument("--format", choices=("table", "json"), default="table")


def add_doctor(commands: "Commands") -> None:
    """harness doctor."""
    doctor = command(commands, "doctor", "tell what this machine and a checkpoint can do")
    doctor.add_argument("--model", metavar="DIR", help="folder, hub id or zoo name")
    doctor.add_argument("--trust-remote-code", action="store_true")
    doctor.add_argument("--format", choices=("table", "json"), default="table")


def add_lm_eval(commands: "Commands") -> None:
    """harness lm-eval."""
    purpose = "call lm-eval's own command line with our models `harness` and `harness-masked`"
    lm_eval = command(commands, "lm-eval", purpose)
    lm_eval.add_argument(
        "rest", nargs=argparse.REMAINDER, metavar="...", help="run, ls or validate, and what they take"
    )


def own_version() -> str:
    """The installed version."""
    try:
        return version("zeroshot-harness")
    except PackageNotFoundError:
        return "(not installed)"
