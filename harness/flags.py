"""Every command's flags. argparse alone, so that `harness --help` answers at once."""

import argparse
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from harness.flag_values import (
    DTYPES,
    add_training,
    command,
    grid_values,
    layer_or_all,
    names,
    numbers,
    positive,
)
from harness.train_flags import add_train

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

TRAINING = (
    *("learning_rate", "epochs", "max_steps", "batch_size", "warmup", "weight_decay", "selection"),
    *("evaluate_every", "freeze", "lora", "train_dtype"),
)
EXAMPLES = """\
examples:
  harness eval --model ckpt/ --tasks tatoeba,bucc2018 --data DIR
  harness train --recipe mnli --base xlm-roberta-base --data DIR --output ckpt/mnli
  harness leaderboard results
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
    for add in (add_eval, add_train, add_leaderboard, add_score, add_export, add_data, add_list, add_doctor):
        add(commands)
    return parser


def add_eval(commands: "Commands") -> None:
    """harness eval."""
    eval_ = command(commands, "eval", "score checkpoints on tasks")
    add = eval_.add_argument
    add("--model", action="append", required=True, metavar="DIR", help="folder, hub id, zoo name or 'run/checkpoint-*'")
    add("--name", help="the checkpoint's name in the results (default: its folder's name)")
    add("--tasks", required=True, metavar="A,B", help="tasks and benchmarks; `harness list tasks` prints them")
    add("--languages", metavar="de,sw,...", help="only these (default: each task's official list)")
    add("--data", metavar="DIR", help="folder with one subfolder per data set (docs/data.md)")
    add("--split", choices=("test", "validation"), default="test", help="what is scored (default: test)")
    add("--output", default="results", metavar="DIR", help="results folder (default: results)")
    add("--protocol", help="retrieve, transfer, head (default: the first that task and checkpoint both have)")
    add("--limit", type=positive, metavar="N", help="only the first N items of each language; never ranked")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    add("--dtype", choices=DTYPES, default="float32", help="computation (default: float32)")
    add("--max-length", type=positive, metavar="N", help="tokens an input is cut to (default: of the protocol)")
    add("--seeds", type=numbers, default=(42,), metavar="1,2,3", help="one result per seed where training is random")
    add("--include", action="append", default=[], metavar="FILE", help="Python file that defines a task; repeatable")
    add("--redo-stale", action="store_true", help="score again what was made with other weights, data or settings")
    add("--dry-run", action="store_true", help="print the plan and stop (without --data, after fetching)")
    add("--trust-remote-code", action="store_true", help="run Python code that the checkpoint's folder carries")
    add("--quiet", action="store_true", help="print errors only")
    add_retrieval(eval_)
    add_transfer(eval_)


def add_retrieval(parser: argparse.ArgumentParser) -> None:
    """How sentence vectors are made and searched."""
    add = parser.add_argument_group("sentence vectors (protocol retrieve)").add_argument
    add("--layer", type=layer_or_all, metavar="K", help="hidden layer, or `all` (default: of the checkpoint)")
    add("--pooling", help="mean, mean_no_special, cls, last, max or sentence-transformers (the folder's own)")
    add("--engine", choices=("exact", "faiss", "ivf"), default="exact", help="nearest neighbours (default: exact)")


def add_transfer(parser: argparse.ArgumentParser) -> None:
    """How a head is trained."""
    add = parser.add_argument_group("fine-tuning (protocol transfer)").add_argument
    add("--preset", choices=("xtreme", "stilts"), default="xtreme", help="published settings to start from")
    add("--source-language", default="en", metavar="L", help="language of the training data (default: en)")
    add("--allow-contaminated", action="store_true", help="train on items that are also scored; never ranked")
    add(
        "--grid",
        nargs="*",
        type=grid_values,
        metavar="NAME=X,Y",
        help="choose on the source language's dev among these (default: learning_rate=2e-5,3e-5,5e-5 epochs=2,3,4)",
    )
    add("--train-dtype", dest="train_dtype", choices=DTYPES, help="precision of the training (default: float32)")
    add("--shuffle-labels", action="store_true", help="the control: deal out the training labels at random")
    add("--head", metavar="NAME", help="protocol head: which of the heads beside the checkpoint (heads/NAME)")
    add("--label-order", type=names, metavar="A,B,C", help="protocol head: the labels of LABEL_0, LABEL_1, ...")
    add_training(parser)


def add_leaderboard(commands: "Commands") -> None:
    """harness leaderboard."""
    leaderboard = command(commands, "leaderboard", "show the results of a folder")
    leaderboard.add_argument("results", help="results folder")
    leaderboard.add_argument("--format", choices=("table", "json", "csv", "markdown"), default="table")


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


def own_version() -> str:
    """The installed version."""
    try:
        return version("zeroshot-harness")
    except PackageNotFoundError:
        return "(not installed)"
