"""Mining a comparable corpus of BUCC's size: exact, by cells (ivf), and FAISS's flat index; memory; and what 100 million cost.

    python -m benchmarks.mining --rows 200000 200000                 # exact, then ivf, then FAISS flat on 30,000 rows
    python -m benchmarks.mining --rows 413869 399337 --parts ivf      # BUCC de-en's size
    python -m benchmarks.mining --parts memory                       # `harness mine --memory 4G`, twice
    python -m benchmarks.mining --parts scale                        # 100 million x 100 million from rates measured here

Vectors are those of `benchmarks.corpora`, drawn once into --folder. Every contender runs in a process of its own, whose
anonymous memory the operating system counts. Seconds of ivf hold everything: training, choice of probes by held-back
queries, search, and measuring its recall. A pair counts as found by exact mining where its ratio margin reaches the
threshold of the best F1."""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpora import Corpus, Drawn, draw
from benchmarks.footprint import watched

K = 4
GIB = 2**30


def contender(name: str, corpus: Corpus, folder: Path, options: argparse.Namespace) -> None:
    """One search in this process; writes what it found and prints the seconds it took as JSON."""
    import torch

    from harness.retrieval.ivf import Inverted
    from harness.retrieval.neighbours import Search, search_both

    drawn = draw(corpus, folder)
    source, target = drawn.source, drawn.target
    if name == "faiss":
        source, target = (np.array(side[: options.flat_rows]) for side in (source, target))
    start = time.perf_counter()
    settings = Search(inverted=Inverted(recall=options.recall, cells=options.cells, probes=options.probes))
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


def _progress(name: str):  # type: ignore[no-untyped-def]
    last = [time.monotonic()]

    def progress(done: int, total: int) -> None:
        if time.monotonic() - last[0] > 60:
            last[0] = time.monotonic()
            print(f"{name}: {done:,} of {total:,}", file=sys.stderr, flush=True)

    return progress


def run(name: str, corpus: Corpus, options: argparse.Namespace) -> None:
    """Runs a contender in a process of its own and keeps what it took beside what it found."""
    folder: Path = options.folder
    command = [sys.executable, "-m", "benchmarks.mining", "--contender", name, *options.given]
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
    print(f"       peak memory: anonymous {took.anonymous / GIB:.2f} GiB, mapped files {took.mapped / GIB:.2f} GiB", flush=True)


def compare(corpus: Corpus, options: argparse.Namespace) -> None:
    """What each contender found, and ivf beside exact."""
    from harness.metrics.mining import best_threshold
    from harness.retrieval.mine import mine
    from harness.retrieval.neighbours import Both

    folder: Path = options.folder
    drawn = draw(corpus, folder)
    gold = set(zip(drawn.gold_source.tolist(), drawn.gold_target.tolist(), strict=True))
    pairs, found = {}, {}
    for name in ("exact", "ivf"):
        if not (folder / f"{name}.npz").is_file():
            continue
        with np.load(folder / f"{name}.npz") as file:
            both = Both(file["forward"], file["forward_index"], file["backward"], file["backward_index"])
        found[name], candidates = both, mine(both, K)
        mined = list(zip(candidates.source.tolist(), candidates.target.tolist(), strict=True))
        right = np.array([pair in gold for pair in mined])
        threshold, f1 = best_threshold(candidates.score, right, len(gold))
        pairs[name] = {pair for pair, score in zip(mined, candidates.score, strict=True) if score >= threshold}, set(mined)
        print(f"{name:6} F1 {f1:.4f} at margin {threshold:.4f}, {len(pairs[name][0]):,} pairs of {len(gold):,} planted")
    if len(found) < 2:
        return
    exact, rough = pairs["exact"], pairs["ivf"]
    print(f"ivf finds {len(exact[0] & rough[0]) / len(exact[0]):.4%} of the pairs that exact mining finds;")
    print(f"      of all one-to-one pairs, however low their margin, {len(exact[1] & rough[1]) / len(exact[1]):.4%}")
    shares = [_recall(found["exact"], found["ivf"], way) for way in ("forward", "backward")]
    print(f"      recall of neighbours@{K} over all rows: {shares[0]:.4%} of the sources', {shares[1]:.4%} of the targets'")
    seconds = [json.loads((folder / f"{name}.json").read_text("utf-8"))["seconds"] for name in ("exact", "ivf")]
    print(f"      {seconds[0] / seconds[1]:.1f} times as fast as exact")


def _recall(exact: object, rough: object, way: str) -> float:
    truth: NDArray[np.int64] = getattr(exact, f"{way}_index")
    found: NDArray[np.int64] = getattr(rough, f"{way}_index")
    return float((truth[:, :, None] == found[:, None, :]).any(2).mean())


def main() -> None:
    """Runs the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="exact,ivf,faiss,compare")
    parser.add_argument("--rows", type=int, nargs=2, default=(200_000, 200_000), metavar=("N", "M"))
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--noise", type=float, nargs=2, default=Corpus.noise, metavar=("LEAST", "MOST"))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/mining"))
    parser.add_argument("--flat-rows", type=int, default=30_000)
    parser.add_argument("--recall", type=float, default=0.99)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--probes", type=int)
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.given = [one for one in sys.argv[1:] if one != "--contender"]
    corpus = Corpus(*options.rows, options.width, options.pairs, noise=tuple(options.noise))
    if options.contender:
        contender(options.contender, corpus, options.folder, options)
        return
    parts = options.parts.split(",")
    if set(parts) & {"exact", "ivf", "faiss"}:
        start = time.perf_counter()
        draw(corpus, options.folder)
        print(f"vectors there after {time.perf_counter() - start:.1f} s", flush=True)
    for part in parts:
        if part in ("exact", "ivf", "faiss"):
            run(part, corpus, options)
        elif part == "compare":
            compare(corpus, options)
        else:
            parser.error(f"no part '{part}'")


if __name__ == "__main__":
    main()
