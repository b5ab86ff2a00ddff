"""Mining a comparable corpus of BUCC's size: exact, by cells (ivf), FAISS's flat index; memory; what 100 million cost.

    python -m benchmarks.mining --rows 200000 200000                 # exact, then ivf, then FAISS flat on 30,000 rows
    python -m benchmarks.mining --rows 413869 399337 --parts ivf      # BUCC de-en's size
    python -m benchmarks.mining --parts memory                       # `harness mine --memory 4G`, twice
    python -m benchmarks.mining --scale                              # 100 million x 100 million, from rates measured

Vectors are those of `benchmarks.corpora`, drawn once into --root. Every contender runs in a process of its own, whose
anonymous memory the operating system counts. Seconds of ivf hold everything: training, choice of probes by held-back
queries, search, and measuring its recall. A pair counts as found by exact mining where its ratio margin reaches the
threshold of the best F1."""

import argparse
import functools
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.corpora import Corpus, Drawn, draw
from benchmarks.footprint import watched
from harness.metrics.mining import best_threshold
from harness.retrieval.ivf import Inverted
from harness.retrieval.mine import mine
from harness.retrieval.neighbours import ENGINES, Both, Search, search_both

K = 4
GIB = 2**30


def contender(name: str, corpus: Corpus, folder: Path, options: argparse.Namespace) -> None:
    """One search in this process; writes what it found and prints the seconds it took as JSON."""
    drawn = draw(corpus, folder)
    source, target = drawn.source, drawn.target
    if name.startswith("faiss"):
        source, target = (np.array(side[: options.flat_rows]) for side in (source, target))
    start = time.perf_counter()
    settings = Search(
        options.device, inverted=Inverted(recall=options.recall, cells=options.cells, probes=options.probes)
    )
    both = search_both(source, target, K, name, _progress(name), settings)
    seconds = time.perf_counter() - start
    np.savez(
        folder / f"{name}.npz",
        forward=both.forward_similarity,
        forward_index=both.forward_index,
        backward=both.backward_similarity,
        backward_index=both.backward_index,
    )
    recall = None if both.recall is None else str(both.recall)
    shown = {"seconds": seconds, "how": both.how, "recall": recall, "threads": torch.get_num_threads()}
    shown |= {"rows": [len(source), len(target)]}
    print(json.dumps(shown))


def _progress(name: str) -> Callable[[int, int], None]:
    last = [time.monotonic()]

    def progress(done: int, total: int) -> None:
        if time.monotonic() - last[0] > 60:
            last[0] = time.monotonic()
            print(f"{name}: {done:,} of {total:,}", file=sys.stderr, flush=True)

    return progress


def run(name: str, corpus: Corpus, options: argparse.Namespace) -> None:
    """Runs a contender in a process of its own and keeps what it took beside what it found."""
    folder: Path = options.folder
    (folder / f"{name}.npz").unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.mining", "--contender", name, *options.given]
    draw(corpus, folder)
    took = watched(command)
    record = json.loads(took.output.splitlines()[-1])
    record |= {"anonymous": took.anonymous, "mapped": took.mapped, "whole": took.seconds}
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    n, m = record["rows"]
    rate = n * m * corpus.width / record["seconds"] / 1e9
    print(f"{name:6} {n:,} x {m:,} x {corpus.width:,}, k = {K}, {record['threads']} threads: {record['seconds']:.1f} s")
    print(f"       {rate:,.0f} thousand million multiplications of all pairs per second; {record['how']}")
    if record["recall"]:
        print(f"       recall measured by itself {record['recall']}")
    print(f"       peak memory: anonymous {took.anonymous / GIB:.2f} GiB, mapped files {took.mapped / GIB:.2f} GiB")
    if name in ("exact", "faiss", "faiss16"):
        whole = 413_869 * 399_337 * corpus.width / (rate * 1e9)
        print(f"       at that rate BUCC de-en's 413,869 x 399,337 would take {whole:,.0f} s", flush=True)


def compare(corpus: Corpus, options: argparse.Namespace) -> None:
    """What each contender found, and ivf beside exact."""
    folder: Path = options.folder
    gold = planted(draw(corpus, folder))
    both = {name: load(folder / f"{name}.npz") for name in ("exact", "ivf") if (folder / f"{name}.npz").is_file()}
    pairs = {name: mined(name, found, gold) for name, found in both.items()}
    if len(both) < 2:
        return
    for number, what in enumerate(("pairs that exact mining finds", "one-to-one pairs, however low their margin")):
        exact, rough = pairs["exact"][number], pairs["ivf"][number]
        print(f"ivf finds {len(exact & rough) / len(exact):.3%} of the {len(exact):,} {what}")
    shares = [recall(both["exact"], both["ivf"], way) for way in ("forward", "backward")]
    print(f"recall of neighbours@{K}, all rows: {shares[0]:.3%} of the sources', {shares[1]:.3%} of the targets'")
    seconds = [json.loads((folder / f"{name}.json").read_text("utf-8"))["seconds"] for name in ("exact", "ivf")]
    print(f"ivf is {seconds[0] / seconds[1]:.1f} times as fast as exact")


def planted(drawn: Drawn) -> set[tuple[int, int]]:
    """The planted pairs."""
    return set(zip(drawn.gold_source.tolist(), drawn.gold_target.tolist(), strict=True))


def load(file: Path) -> Both:
    """What a contender found."""
    with np.load(file) as kept:
        return Both(kept["forward"], kept["forward_index"], kept["backward"], kept["backward_index"])


def mined(name: str, both: Both, gold: set[tuple[int, int]]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The one-to-one pairs at or above the threshold of the best F1, and all of them."""
    candidates = mine(both, K)
    every = list(zip(candidates.source.tolist(), candidates.target.tolist(), strict=True))
    threshold, f1 = best_threshold(candidates.score, np.array([pair in gold for pair in every]), len(gold))
    best = {pair for pair, score in zip(every, candidates.score, strict=True) if score >= threshold}
    print(f"{name:6} F1 {f1:.4f} at margin {threshold:.4f}: {len(best):,} pairs, {len(gold):,} were planted")
    return best, set(every)


def recall(exact: Both, rough: Both, way: str) -> float:
    """The share of exact neighbours found, over all rows."""
    truth, found = getattr(exact, f"{way}_index"), getattr(rough, f"{way}_index")
    return float((truth[:, :, None] == found[:, None, :]).any(2).mean())


def memory(options: argparse.Namespace) -> None:
    """`harness mine --vectors` under --memory 4G, exact and by cells, as the operating system sees it."""
    for rows, width, index in ((200_000, 768, "exact"), (1_000_000, 64, "ivf")):
        scaled = int(rows * options.shrink)
        folder = options.root / f"memory-{scaled}-{width}"
        draw(Corpus(scaled, scaled, width, scaled // 20), folder)
        files = [str(folder / f"{side}.npy") for side in ("source", "target")]
        command = [sys.executable, "-m", "harness", "mine", "--vectors", *files, "--output", str(folder / "pairs.tsv")]
        took = watched([*command, "--index", index, "--memory", options.memory])
        sizes = f"{scaled:,} x {scaled:,} x {width}"
        print(f"mine --vectors, {sizes}, --index {index} --memory {options.memory}: {took.seconds:.1f} s")
        print(f"       peak memory: anonymous {took.anonymous / GIB:.2f} GiB, mapped files {took.mapped / GIB:.2f} GiB")
        print("       " + took.output.strip().replace("\n", "\n       "), flush=True)
        if not options.keep:
            shutil.rmtree(folder)


def flags() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="exact,ivf,faiss,compare")
    parser.add_argument("--rows", type=int, nargs=2, default=(200_000, 200_000), metavar=("N", "M"))
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--topics", type=int, default=Corpus.topics)
    parser.add_argument("--noise", type=float, nargs=2, default=Corpus.noise, metavar=("LEAST", "MOST"))
    parser.add_argument("--root", type=Path, default=Path("/tmp/mining"), help="where vectors and findings are kept")
    parser.add_argument("--flat-rows", type=int, default=30_000, help="rows of FAISS's run (default: %(default)s)")
    parser.add_argument("--recall", type=float, default=0.99)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--probes", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--memory", default="4G")
    parser.add_argument("--shrink", type=float, default=1.0, help="part of the rows of the memory runs")
    parser.add_argument("--keep", action="store_true", help="keep the vectors of the memory runs")
    parser.add_argument("--scale", action="store_true", help="only print what 100 million x 100 million would cost")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    return parser


def main() -> None:
    """Runs the parts asked for."""
    options = flags().parse_args()
    if options.scale:
        from benchmarks.mining_scale import print_scale

        print_scale(options.device, options.width, options.root)
        return
    options.given = sys.argv[1:]
    options.folder = options.root / f"{options.rows[0]}-{options.rows[1]}-{options.width}"
    corpus = Corpus(*options.rows, options.width, options.pairs, options.topics, noise=tuple(options.noise))
    if options.contender:
        contender(options.contender, corpus, options.folder, options)
        return
    parts = {name: functools.partial(run, name, corpus, options) for name in ENGINES}
    parts |= {"compare": functools.partial(compare, corpus, options), "memory": functools.partial(memory, options)}
    for part in options.parts.split(","):
        parts[part]()


if __name__ == "__main__":
    main()
