"""Every command's flags. argparse alone, so that `harness --help` answers at once."""

import argparse
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DTYPES = ("float32", "bfloat16", "float16")
TRAINING = (
    *("learning_rate", "epochs", "max_steps", "batch_size", "warmup", "weight_decay", "selection"),
    *("evaluate_every", "freeze", "lora"),
)
# What a grid may vary.
GRID = ("learning_rate", "epochs", "batch_size")
EXAMPLES = """\
examples:
  harness eval --model ckpt/ --tasks tatoeba,bucc2018 --data DIR
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
    for add in (add_eval, add_leaderboard, add_score, add_export, add_data, add_list, add_doctor, add_lm_eval):
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
    add("--protocol", help="retrieve, transfer, head, prompt (default: the first that task and checkpoint both have)")
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
    add_prompt(eval_)


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
    add("--train-on", type=names, metavar="A,B", help="exams: English sets (mmlu, commonsenseqa, cosmosqa, race, ...)")
    add("--allow-contaminated", action="store_true", help="train on items that are also scored; never ranked")
    add(
        "--grid",
        nargs="*",
        type=grid_values,
        metavar="NAME=X,Y",
        help="choose on the source language's dev among these (default: learning_rate=2e-5,3e-5,5e-5 epochs=2,3,4)",
    )
    add("--shuffle-labels", action="store_true", help="the control: deal out the training labels at random")
    add("--label-order", type=names, metavar="A,B,C", help="protocol head: the labels of LABEL_0, LABEL_1, ...")
    add_training(parser)


def add_prompt(parser: argparse.ArgumentParser) -> None:
    """How a language model is asked."""
    add = parser.add_argument_group("prompts (protocol prompt)").add_argument
    add("--template", metavar="NAME", help="only this one, or lm-eval (default: ours, the best on English dev)")
    add("--shots", type=count, default=0, metavar="K", help="solved questions of the subject before each (default: 0)")
    add("--answers", choices=("letters", "text", "both"), default="letters", help="what stands for an exam's options")
    add("--instruction", choices=("en", "native"), default="en", help="language of an exam's instruction")
    add("--option-orders", choices=("one", "cyclic"), default="one", help="cyclic: also every rotation of the options")
    add("--masking", choices=("word-l2r", "salazar"), default="word-l2r", help="of masked models (default: word-l2r)")
    add("--backend", metavar="NAME", help="another lm-eval model: vllm, local-completions, ...")
    add("--backend-args", default="", metavar="K=V,...", help="what that model is given")


def add_training(parser: argparse.ArgumentParser) -> None:
    """What overrides a preset or recipe; every name is a field of `TrainSettings`."""
    add = parser.add_argument_group("training settings").add_argument
    add("--learning-rate", type=float, metavar="X")
    add("--epochs", type=float, metavar="X")
    add("--max-steps", type=positive, metavar="N")
    add("--batch-size", type=positive, metavar="N", help="items of one step, whatever fits into memory")
    add("--warmup", type=float, metavar="X", help="steps, or below 1 a part of all steps")
    add("--weight-decay", type=float, metavar="X")
    add("--selection", choices=("best", "last", "average"), help="which weights are kept")
    add("--evaluate-every", type=positive, metavar="N", help="steps between two looks at the development set")
    add("--freeze", type=layers, metavar="N", help="lowest layers that stay as they are, or `encoder`")
    add("--lora", type=positive, metavar="RANK", help="train low-rank updates of the encoder only")


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
    for one in (verify, fetch):
        one.add_argument("--data", metavar="DIR", help="data folder (default: $HARNESS_DATA or ~/.cache/harness/data)")
        one.add_argument("--quiet", action="store_true", help="no progress bar")


def add_list(commands: "Commands") -> None:
    """harness list."""
    list_ = command(commands, "list", "print tasks, models, kinds of checkpoints")
    list_.add_argument("what", choices=("tasks", "models", "kinds"))
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
    lm_eval = command(
        commands, "lm-eval", "call lm-eval's own command line with our models `harness` and `harness-masked`"
    )
    lm_eval.add_argument(
        "rest", nargs=argparse.REMAINDER, metavar="...", help="run, ls or validate, and what they take"
    )


def command(commands: "Commands", name: str, purpose: str) -> argparse.ArgumentParser:
    """A subcommand whose help says what it is for."""
    return commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")


def names(text: str) -> tuple[str, ...]:
    """`a,b` -> (a, b)."""
    return tuple(split_list(text))


def layer_or_all(text: str) -> int | str:
    """`4` -> 4; `all` stays."""
    return text if text == "all" else positive(text)


def layers(text: str) -> int | str:
    """`3` -> 3; `encoder` stays."""
    return text if text == "encoder" else positive(text)


def split_list(text: str) -> list[str]:
    """`a, b` -> [a, b]."""
    return [part.strip() for part in text.split(",") if part.strip()]


def positive(text: str) -> int:
    """A whole number from 1 on (argparse prints the message)."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def count(text: str) -> int:
    """A whole number from 0 on."""
    return 0 if text == "0" else positive(text)


def numbers(text: str) -> list[int]:
    """`1,2,3` -> [1, 2, 3]."""
    parts = split_list(text)
    if not parts or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers such as 1,2,3")
    return [int(part) for part in parts]


def grid_values(text: str) -> tuple[str, tuple[float, ...]]:
    """`epochs=3,5` -> (epochs, (3.0, 5.0))."""
    name, _, values = text.partition("=")
    name = name.strip().replace("-", "_")
    try:
        numbers = tuple(int(one) if name == "batch_size" else float(one) for one in split_list(values))
    except ValueError:
        numbers = ()
    if name not in GRID or not numbers or any(one <= 0 for one in numbers):
        known = ", ".join(GRID)
        raise argparse.ArgumentTypeError(f"'{text}' is not one of {known} with numbers, such as epochs=3,5")
    return name, numbers


def own_version() -> str:
    """The installed version."""
    try:
        return version("zeroshot-harness")
    except PackageNotFoundError:
        return "(not installed)"
