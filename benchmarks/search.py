"""Nearest neighbours in both directions beside FAISS's flat index searched twice and beside the bare matrix product.

    python -m benchmarks.search                                     # 20,000 x 20,000 x 768 and x 1,024, k = 4
    python -m benchmarks.search --rows 4000 --widths 384 --repeats 5
    python -m benchmarks.search --parts memory --memory-rows 50000
    python -m benchmarks.search --parts margins

Vectors are unit vectors of topics of 100 sentences each; a source row and its translation lie nearer to each other than
to their topic. FAISS's time holds building both indices. Every contender must find the same neighbours."""

import argparse
import resource
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.timing import print_table, take_turns
from harness.retrieval.margin import margins
from harness.retrieval.neighbours import Both, Search, search_both

TOPIC = 100
TILE = 2048
CLOSE = 1e-5  # similarities nearer than this may change places between float32 products
MIB = 2**20


@dataclass(frozen=True)
class Sides:
    """Source and target, each (rows, width)."""

    source: NDArray[np.float32]
    target: NDArray[np.float32]


def draw(rows: int, width: int) -> Sides:
    random = np.random.default_rng(0)
    topics = random.standard_normal((max(1, rows // TOPIC), width), dtype=np.float32)
    meaning = topics[random.integers(len(topics), size=rows)]
    meaning += random.standard_normal((rows, width), dtype=np.float32)
    sides = []
    for _ in range(2):
        side = meaning + random.standard_normal((rows, width), dtype=np.float32) / 2
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        sides.append(side)
    return Sides(sides[0], sides[1][random.permutation(rows)])


def multiply(sides: Sides) -> None:
    """The product of all tiles, nothing kept."""
    source, target = torch.from_numpy(sides.source), torch.from_numpy(sides.target)
    buffer = torch.empty(TILE * TILE)
    for rows in torch.split(source, TILE):
        for columns in torch.split(target, TILE):
            tile = buffer[: len(rows) * len(columns)].view(len(rows), len(columns))
            torch.mm(rows, columns.T, out=tile)


def assert_same(one: Both, other: Both) -> None:
    """The same similarities; another index only where the similarity is the same."""
    for mine, theirs, rows, others in (
        (one.forward_similarity, other.forward_similarity, one.forward_index, other.forward_index),
        (one.backward_similarity, other.backward_similarity, one.backward_index, other.backward_index),
    ):
        assert np.abs(mine - theirs).max() < CLOSE
        swapped = (rows != others).any(axis=1).mean()
        assert swapped < 0.001, f"{swapped:.2%} of the rows have other neighbours"


def speed(rows: int, widths: list[int], k: int, repeats: int) -> None:
    for width in widths:
        sides = draw(rows, width)
        found: dict[str, Both] = {}

        def search(name: str, engine: str, screen: str, sides: Sides = sides, found: dict[str, Both] = found) -> None:
            found[name] = search_both(sides.source, sides.target, k, engine, settings=Search(screen=screen, tile=TILE))

        contenders = {
            "search_both": lambda search=search: search("auto", "exact", "auto"),
            "search_both, float32 alone": lambda search=search: search("float", "exact", "float"),
            "FAISS flat, twice": lambda search=search: search("faiss", "faiss", "auto"),
            "product of the tiles alone": lambda sides=sides: multiply(sides),
        }
        took = take_turns(contenders, repeats)
        assert_same(found["auto"], found["faiss"])
        assert_same(found["auto"], found["float"])
        print(f"\n{rows:,} x {rows:,} x {width:,}, k = {k}, {repeats} rounds, {torch.get_num_threads()} threads")
        print_table(took, "search_both")


def memory(rows: int, width: int, k: int) -> None:
    """Peak memory of a search in a process of its own, beside what it takes to hold the vectors."""
    peaks = {}
    for what in ("vectors", "search"):
        command = [sys.executable, "-m", "benchmarks.search", "--parts", what, "--memory-rows", str(rows)]
        command += ["--memory-width", str(width), "--k", str(k)]
        peaks[what] = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
    matrix, inputs = rows * rows * 4 // MIB, 2 * rows * width * 4 // MIB
    print(f"\n{rows:,} x {rows:,} x {width:,}, k = {k}: vectors {inputs:,} MiB, all similarities {matrix:,} MiB")
    print(f"peak with the vectors and torch loaded {peaks['vectors']:,} MiB, with the search {peaks['search']:,} MiB")


def peak(rows: int, width: int, k: int, search: bool) -> None:
    """Print the peak memory of this process in MiB. Vectors are drawn in place: no second copy blurs the peak."""
    random = np.random.default_rng(0)
    sides = [np.empty((rows, width), np.float32) for _ in range(2)]
    for side in sides:
        for part in np.array_split(side, 100):
            random.standard_normal(out=part, dtype=np.float32)
            np.divide(part, np.linalg.norm(part, axis=1, keepdims=True), out=part)
    torch.mm(torch.ones(64, 64), torch.ones(64, 64))
    if search:
        search_both(sides[0], sides[1], k)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def margin_loop(both: Both) -> NDArray[np.float64]:
    """Ratio margins pair by pair, as one would write them first."""
    out = np.empty(both.forward_similarity.shape)
    for row in range(len(out)):
        for place in range(out.shape[1]):
            other = both.forward_index[row, place]
            around = (both.forward_similarity[row].mean() + both.backward_similarity[other].mean()) / 2
            out[row, place] = both.forward_similarity[row, place] / around
    return out


def score(rows: int, k: int, repeats: int) -> None:
    random = np.random.default_rng(0)
    similarity = [np.sort(random.random((rows, k), dtype=np.float32), axis=1)[:, ::-1] for _ in range(2)]
    index = [random.integers(rows, size=(rows, k)) for _ in range(2)]
    both = Both(similarity[0], index[0], similarity[1], index[1])
    took = take_turns(
        {"margins": lambda: margins(both, "ratio", k), "loop over pairs": lambda: margin_loop(both)}, repeats
    )
    np.testing.assert_allclose(margins(both, "ratio", k), margin_loop(both), rtol=1e-5)
    print(f"\nmargins of {rows:,} rows, k = {k}, {repeats} rounds")
    print_table(took, "margins")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="speed,memory,margins")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--widths", default="768,1024")
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-rows", type=int, default=50_000)
    parser.add_argument("--memory-width", type=int, default=768)
    parser.add_argument("--margin-rows", type=int, default=20_000)
    asked = parser.parse_args()
    parts = {
        "speed": lambda: speed(asked.rows, [int(one) for one in asked.widths.split(",")], asked.k, asked.repeats),
        "memory": lambda: memory(asked.memory_rows, asked.memory_width, asked.k),
        "margins": lambda: score(asked.margin_rows, asked.k, asked.repeats),
        "vectors": lambda: peak(asked.memory_rows, asked.memory_width, asked.k, search=False),
        "search": lambda: peak(asked.memory_rows, asked.memory_width, asked.k, search=True),
    }
    for part in asked.parts.split(","):
        parts[part]()


if __name__ == "__main__":
    main()
