"""The flags of `harness mine`."""

import argparse
from typing import TYPE_CHECKING

from harness.flags.values import DTYPES, command, positive, share

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_mine(commands: "Commands") -> None:
    """harness mine."""
    mine = command(commands, "mine", "mine translation pairs from two texts, or from two files of vectors")
    add = mine.add_argument
    add("--source", metavar="FILE", help="text, a sentence a line; plain, .gz or .zst")
    add("--target", metavar="FILE", help="likewise")
    add("--model", metavar="DIR", help="what embeds the sentences: folder, hub id or zoo name")
    add("--vectors", nargs=2, metavar=("A.npy", "B.npy"), help="vectors instead of a model, row i of line i")
    add("--output", required=True, metavar="FILE", help="pairs: score, source, target between tabs, best first")
    add("--threshold", type=float, default=0.0, metavar="X", help="only pairs of at least this margin (default: 0)")
    add("--k", type=positive, default=4, metavar="N", help="neighbours that a margin is taken over (default: 4)")
    add("--margin", choices=("ratio", "distance", "absolute"), default="ratio", help="the score (default: ratio)")
    add(
        "--index",
        choices=("auto", "exact", "faiss", "faiss16", "ivf", "ivfpq"),
        default="auto",
        help="default: auto, says why",
    )
    add("--recall", type=share, default=0.99, metavar="R", help="of neighbours, by ivf and ivfpq (default: 0.99)")
    add("--memory", metavar="8G", help="most memory of its own that the run may take (default: no bound)")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default: auto)")
    add("--dtype", choices=DTYPES, default="float32", help="of the model's computation (default: float32)")
    add("--layer", type=positive, metavar="K", help="hidden layer (default: of the checkpoint)")
    add("--pooling", help="mean, mean_no_special, cls, last, max or sentence-transformers (the folder's own)")
    add("--max-length", type=positive, metavar="N", help="tokens a sentence is cut to (default: of the checkpoint)")
    add("--dry-run", action="store_true", help="estimate time, memory and disk from a short calibration, and stop")
    add("--trust-remote-code", action="store_true", help="run Python code that the checkpoint's folder carries")
    add("--format", choices=("table", "json"), default="table", help="of the summary (default: table)")
    add("--quiet", action="store_true", help="print errors only")
