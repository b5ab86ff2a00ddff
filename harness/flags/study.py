"""The flags of `harness study`: its own, those of `harness eval` as they are, and those of `harness train` as
`--recipe-...`, so that what makes a checkpoint and what reads it are never mixed up."""

import argparse
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, unknown_names
from harness.flags.evaluation import add_eval
from harness.flags.training import add_train
from harness.flags.values import command, names, numbers

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

PRESETS = ("phang2020", "turc2021")
MATCHES = ("steps", "tokens", "none")
RECIPE = "recipe_"
# What the study decides itself, or has under a name of its own.
NOT_TRAIN = (
    *("recipe", "base", "output", "data", "seed", "quiet", "trust_remote_code", "allow_contaminated", "tensorboard"),
    # Of models from scratch.
    *("vocabulary", "layers", "width", "heads", "positions", "dropout", "help"),
)
NOT_EVAL = (
    *("model", "name", "tasks", "data", "output", "seeds", "include", "dry_run", "quiet", "trust_remote_code"),
    *("allow_contaminated", "shuffle_labels", "head", "label_order", "preset", "redo_stale", "help"),
)


def add_study(commands: "Commands") -> None:
    """harness study."""
    study = command(commands, "study", "train recipes with several seeds, score them alike, say which differ")
    add = study.add_argument
    add("--base", required=True, metavar="DIR", help="folder, hub id or zoo name that every recipe starts from")
    add("--recipes", type=names, metavar="A,B", help="recipes of `harness train`; `none` is the base; best-per-target")
    add("--tasks", type=names, metavar="A,B", help="tasks and benchmarks; `harness list tasks` prints them")
    add("--seeds", type=numbers, metavar="1,2,3", help="of training and of fine-tuning (default: 1,2,3)")
    add("--match", choices=MATCHES, help="what recipes have in equal measure (default: steps)")
    add("--preset", choices=PRESETS, help="a paper's recipes, tasks and settings, judged by its published claims")
    add("--data", metavar="DIR", help="folder with one subfolder per data set (docs/data.md)")
    add("--output", default="study", metavar="DIR", help="folder of checkpoints, results and tables (default: study)")
    add("--treatment", metavar="A", help="the recipe that the study asks about (default: the one with images)")
    add("--set", action="append", default=[], metavar="NAME:FLAG=VALUE", help="a flag of one recipe or one task alone")
    add("--no-sweep", dest="sweep", action="store_false", help="score retrieval at the pinned layer alone")
    add("--allow-contaminated", action="store_true", help="train on what is scored, and go on where that is so")
    add("--dry-run", action="store_true", help="print the jobs with their estimated cost and stop")
    add("--include", action="append", default=[], metavar="FILE", help="Python file that defines a task; repeatable")
    add("--trust-remote-code", action="store_true", help="run Python code that the base's folder carries")
    add("--format", choices=("table", "json", "markdown"), default="table")
    add("--quiet", action="store_true", help="print errors only")
    group = study.add_argument_group("making checkpoints (each is `harness train`'s flag without `recipe-`)")
    for action in _actions(add_train, NOT_TRAIN):
        own = copy(action)
        own.option_strings, own.dest = [f"--recipe-{_named(action)}"], RECIPE + action.dest
        group._add_action(own)
    group = study.add_argument_group("scoring them (as of `harness eval`)")
    group.add_argument("--transfer-preset", dest="preset_of_eval", choices=("xtreme", "stilts"), default="xtreme")
    for action in _actions(add_eval, NOT_EVAL):
        group._add_action(copy(action))


def split_options(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """(options of the trainings, options of the evaluations) that were given, named as in Python."""
    values = vars(options)
    training = {
        one.dest: values[RECIPE + one.dest]
        for one in _actions(add_train, NOT_TRAIN)
        if values[RECIPE + one.dest] != one.default
    }
    evaluation = {one.dest: values[one.dest] for one in _actions(add_eval, NOT_EVAL) if values[one.dest] != one.default}
    if options.preset_of_eval != "xtreme":
        evaluation["preset"] = options.preset_of_eval
    return training, evaluation


def own_options(given: list[str], recipes: list[str], tasks: list[str]) -> dict[str, dict[str, Any]]:
    """`--set udpos:limit=200` -> {udpos: {limit: 200}}. HarnessError: a name that is neither recipe nor task, a flag
    that it has not, a value that the flag does not take."""
    found: dict[str, dict[str, Any]] = {}
    for one in given:
        name, colon, setting = one.partition(":")
        flag, mark, value = setting.partition("=")
        if not colon or not mark:
            raise HarnessError(f"--set {one} cannot be read.", "Write it so: --set udpos:limit=200")
        if name not in (*recipes, *tasks):
            raise unknown_names("name in --set", [name], [*recipes, *tasks], "Name a recipe or task of this study.")
        if name in recipes:
            known = {_named(action): action for action in _actions(add_train, NOT_TRAIN)}
        else:
            known = {_flag(action): action for action in _actions(add_eval, NOT_EVAL)}
        found.setdefault(name, {}).update(_one_value(known, flag, value))
    return found


def _one_value(known: Mapping[str, argparse.Action], flag: str, value: str) -> dict[str, Any]:
    name = flag.strip().lstrip("-").replace("_", "-")
    if name not in known:
        raise unknown_names("setting in --set", [name], known, f"Known: {', '.join(known)}.")
    action = known[name]
    if action.nargs == 0:
        return {action.dest: value.strip().lower() in ("", "1", "true", "yes")}
    parsed = _typed(action, value, name)
    if action.choices is not None and parsed not in action.choices:
        raise HarnessError(f"--set {name}={value} cannot be.", f"Choose one of {', '.join(map(str, action.choices))}.")
    return {action.dest: parsed}


def _typed(action: argparse.Action, value: str, name: str) -> Any:
    if not callable(action.type):
        return value
    try:
        return action.type(value)
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise HarnessError(f"--set {name}={value}: {error}.", "Correct the value.") from error


def _flag(action: argparse.Action) -> str:
    return action.option_strings[0].removeprefix("--")


def _named(action: argparse.Action) -> str:
    """A flag of `harness train` as it stands after `--recipe-`: `--train-languages` is `languages`."""
    return _flag(action).removeprefix("train-")


def _actions(add: Any, without: tuple[str, ...]) -> list[argparse.Action]:
    """The flags that a command adds, but for some."""
    commands = argparse.ArgumentParser().add_subparsers()
    add(commands)
    (parser,) = commands.choices.values()
    return [one for one in parser._actions if one.dest not in without]
