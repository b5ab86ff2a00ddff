"""How a flag's text becomes a value, and the flags that several commands share."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DTYPES = ("float32", "bfloat16", "float16")
# What a grid may vary.
GRID = ("learning_rate", "epochs", "batch_size")


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


def count(text: str) -> int:
    """A whole number from 0 on (argparse prints the message)."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number")
    return int(text)


def points(text: str) -> float:
    """A number of percentage points from 0 on (argparse prints the message)."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of points from 0 to 100")
    return value


def share(text: str) -> float:
    """A number above 0 and at most 1 (argparse prints the message)."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share above 0 and at most 1, such as 0.99")
    return value
