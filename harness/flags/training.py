"""The flags of `harness train`."""

import argparse
from typing import TYPE_CHECKING

from harness.flags.values import DTYPES, add_training, command, count, names, positive

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_train(commands: "Commands") -> None:
    """harness train."""
    train = command(commands, "train", "train a checkpoint on intermediate tasks")
    add = train.add_argument
    add("--recipe", required=True, metavar="A+B*0.5", help="recipes with weights; `harness list recipes` prints them")
    add("--base", metavar="DIR", help="folder, hub id or zoo name (mlm_scratch has none)")
    add("--output", required=True, metavar="DIR", help="the new checkpoint's folder")
    add("--data", metavar="DIR", help="folder with one subfolder per data set (docs/training.md)")
    add("--train-languages", type=names, metavar="de,sw,...", help="instead of English (text: all that is there)")
    add("--corpora", type=names, metavar="A,B", help="text of mlm, pairs, captions ...: flores200, multi30k, ...")
    add("--limit", type=positive, metavar="N", help="only the first N items of each data set, for a trial")
    add("--seed", type=count, metavar="N", help="of all that is random (default: 42)")
    add(
        "--layer",
        type=positive,
        metavar="K",
        help="pairs, lexical, captions: the hidden layer whose vectors are trained",
    )
    add("--allow-contaminated", action="store_true", help="also train on items that a task of the harness scores")
    add("--tensorboard", metavar="DIR", help="write the loss of each step for TensorBoard")
    add("--trust-remote-code", action="store_true", help="run Python code that the base's folder carries")
    add("--quiet", action="store_true", help="print errors only")
    add_mixing(train)
    add_training(train)
    add_training_more(train)
    add_dual(train)
    add_sizes(train)


def add_mixing(parser: argparse.ArgumentParser) -> None:
    """How often each part of a mixture is drawn."""
    add = parser.add_argument_group("mixtures").add_argument
    add("--mixing", choices=("proportional", "temperature", "weights"), default="proportional")
    add("--cap", type=positive, metavar="N", help="items up to which the size of a data set counts")
    add("--temperature", type=float, default=2.0, metavar="T", help="sizes count to the power of 1/T (default: 2)")


def add_training_more(parser: argparse.ArgumentParser) -> None:
    """Further fields of `TrainSettings`."""
    add = parser.add_argument_group("training settings, continued").add_argument
    add("--max-length", type=positive, metavar="N", help="tokens an input is cut to")
    add("--layer-decay", type=float, metavar="X", help="factor of the learning rate for each layer below the head")
    add("--patience", type=positive, metavar="N", help="looks at dev without a gain that end the training")
    add("--dev-limit", type=positive, metavar="N", help="items of each development set that are judged")
    add("--save-every", type=positive, metavar="N", help="steps between two states for a resume (default: 5 minutes)")
    add("--micro-tokens", type=positive, metavar="N", help="tokens that run at once (default: by device)")
    add("--dtype", choices=DTYPES, help="computation (default: float32)")
    add("--device", help="auto, cpu, cuda, mps (default: auto)")
    add("--shard", action="store_true", help="share weights and optimizer states out over the processes (FSDP)")


def add_dual(parser: argparse.ArgumentParser) -> None:
    """How captions and images are read; names are fields of `DualSettings`."""
    add = parser.add_argument_group("recipes of captions (image_text and its controls)").add_argument
    add("--vision", metavar="DIR", help="conv, or a vision model, kept frozen (default: features.npy, else conv)")
    add("--contrast", choices=("infonce", "siglip"), help="(default: infonce)")
    add("--captions", type=positive, metavar="N", help="captions of an image in one step (default: 2)")
    add("--projection", type=positive, metavar="N", help="numbers of the common space (default: 256)")
    add("--new-rate", type=float, metavar="X", help="learning rate of projections and small tower (default: 1e-3)")
    add("--image-size", type=positive, metavar="N", help="pixels a side for the small tower (default: 64)")


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """How large a model from scratch is; names are fields of `Sizes`."""
    add = parser.add_argument_group("recipe mlm_scratch").add_argument
    add("--vocabulary", type=positive, metavar="N", help="entries of the tokenizer (default: 16000)")
    add("--layers", type=positive, metavar="N", help="(default: 6)")
    add("--width", type=positive, metavar="N", help="(default: 256)")
    add("--heads", type=positive, metavar="N", help="(default: 4)")
    add("--positions", type=positive, metavar="N", help="longest text in tokens (default: 512)")
    add("--dropout", type=float, metavar="X", help="(default: 0.1)")
