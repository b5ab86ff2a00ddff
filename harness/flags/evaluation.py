"""The flags of `harness eval`."""

import argparse
from typing import TYPE_CHECKING

from harness.flags.values import (
    DTYPES,
    add_training,
    command,
    count,
    grid_values,
    layer_or_all,
    names,
    numbers,
    positive,
    share,
)

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

TRAINING = (
    *("learning_rate", "epochs", "max_steps", "batch_size", "warmup", "weight_decay", "selection"),
    *("evaluate_every", "freeze", "lora", "train_dtype"),
)


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
    add("--output", default="results", metavar="DIR", help="results folder or fsspec URL (default: results)")
    add("--protocol", help="retrieve, transfer, head, prompt (default: the first that task and checkpoint both have)")
    add("--limit", type=positive, metavar="N", help="only the first N items of each language; never ranked")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default: auto)")
    add("--dtype", choices=DTYPES, default="float32", help="computation (default: float32)")
    add("--max-length", type=positive, metavar="N", help="tokens an input is cut to (default: of the protocol)")
    add("--seeds", type=numbers, default=(42,), metavar="1,2,3", help="one result per seed where training is random")
    add("--include", action="append", default=[], metavar="FILE", help="Python file that defines a task; repeatable")
    add("--redo-stale", action="store_true", help="score again what was made with other weights, data or settings")
    add("--dry-run", action="store_true", help="print the plan and what it will cost, and stop")
    add("--trust-remote-code", action="store_true", help="run Python code that the checkpoint's folder carries")
    add("--quiet", action="store_true", help="print errors only")
    add_execution(eval_)
    add_retrieval(eval_)
    add_transfer(eval_)
    add_prompt(eval_)


def add_execution(parser: argparse.ArgumentParser) -> None:
    """Who does the work."""
    add = parser.add_argument_group("several devices (docs/cluster.md)").add_argument
    add("--executor", choices=("local", "devices", "ray"), default="local", help="a process per GPU, or a Ray cluster")
    add("--workers", type=positive, metavar="N", help="processes at a time (default: one per GPU; needed without GPUs)")


def add_retrieval(parser: argparse.ArgumentParser) -> None:
    """How sentence vectors are made and searched."""
    add = parser.add_argument_group("sentence vectors (protocol retrieve)").add_argument
    add("--layer", type=layer_or_all, metavar="K", help="hidden layer, or `all` (default: of the checkpoint)")
    add("--pooling", help="mean, mean_no_special, cls, last, max or sentence-transformers (the folder's own)")
    engines = ("auto", "exact", "faiss", "faiss16", "ivf", "ivfpq")
    add("--index", "--engine", dest="engine", choices=engines, default="exact", help="neighbours (default: exact)")
    add("--recall", type=share, default=0.99, metavar="R", help="of neighbours, by ivf and ivfpq (default: 0.99)")


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
    add("--train-dtype", dest="train_dtype", choices=DTYPES, help="precision of the training (default: float32)")
    add("--shuffle-labels", action="store_true", help="the control: deal out the training labels at random")
    add("--head", metavar="NAME", help="protocol head: which of the heads beside the checkpoint (heads/NAME)")
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
