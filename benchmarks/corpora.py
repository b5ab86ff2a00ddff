"""Made-up sentence vectors of a comparable corpus, with planted translations: what `benchmarks.mining` mines.

Real sentence vectors lie in a narrow cone, bunch by topic, have hubs, and vary most along few directions; isotropic
noise has none of that, and nothing can index it. A vector here is a common part, its language's part, its topic (a few
thousand, of uneven size, themselves in groups) and its own meaning, whose spectrum falls off. Some sentences say little
of their own and lie near many others (hubs). Planted pairs share topic and meaning; what else each side says is drawn
anew, with more or less weight from pair to pair."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
_CHUNK = 8192


@dataclass(frozen=True)
class Corpus:
    """What is drawn. `noise` is the least and the greatest weight of what the two sides of a pair do not share."""

    source: int
    target: int
    width: int
    pairs: int
    topics: int = 3000
    groups: int = 150
    hubs: float = 0.02
    noise: tuple[float, float] = (0.35, 1.5)
    seed: int = 0


@dataclass(frozen=True)
class Drawn:
    """The two sides, memory-mapped and of length one, and the rows of the planted pairs, each (pairs,)."""

    source: Matrix
    target: Matrix
    gold_source: NDArray[np.int64]
    gold_target: NDArray[np.int64]


def draw(corpus: Corpus, folder: Path) -> Drawn:
    """Draws the corpus into `folder`, or opens what was drawn there before."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "corpus.json"
    wanted = json.loads(json.dumps(asdict(corpus)))
    if not stamp.is_file() or json.loads(stamp.read_text("utf-8")) != wanted:
        stamp.unlink(missing_ok=True)
        _write(corpus, folder)
        stamp.write_text(json.dumps(wanted), encoding="utf-8")
    sides = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("source", "target")]
    gold = np.load(folder / "gold.npy")
    return Drawn(sides[0], sides[1], gold[0], gold[1])


def _write(corpus: Corpus, folder: Path) -> None:
    random = np.random.default_rng(corpus.seed)
    width = corpus.width
    common, *languages = (_unit(random, 1, width)[0] for _ in range(3))
    groups = _unit(random, corpus.groups, width)
    group = random.integers(corpus.groups, size=corpus.topics)
    topics = 0.6 * groups[group] + 0.8 * _unit(random, corpus.topics, width)
    shares = 1 / (np.arange(corpus.topics) + 20) ** 0.8
    spectrum = _spectrum(width)
    sizes = corpus.source, corpus.target
    gold = np.stack([np.sort(random.choice(size, corpus.pairs, replace=False)) for size in sizes])
    gold[1] = random.permutation(gold[1])
    topic = random.choice(corpus.topics, corpus.pairs, p=shares / shares.sum())
    shared = topics[topic] * 0.5 + 0.6 * _unit(random, corpus.pairs, width, spectrum)
    weight = random.uniform(*corpus.noise, size=corpus.pairs).astype(np.float32)
    for side, size in enumerate(sizes):
        out = open_memmap(folder / f"{('source', 'target')[side]}.npy", "w+", np.float32, (size, width))
        for start in range(0, size, _CHUNK):
            stop = min(start + _CHUNK, size)
            which = random.choice(corpus.topics, stop - start, p=shares / shares.sum())
            own = np.where(random.random(stop - start) < corpus.hubs, 0.25, 0.6).astype(np.float32)
            out[start:stop] = topics[which] * 0.5 + own[:, None] * _unit(random, stop - start, width, spectrum)
        order = np.argsort(gold[side])
        for rows in np.array_split(order, max(1, corpus.pairs // _CHUNK)):
            out[gold[side][rows]] = shared[rows] + 0.6 * weight[rows, None] * _unit(random, len(rows), width, spectrum)
        for start in range(0, size, _CHUNK):
            part = out[start : start + _CHUNK]
            part += 0.45 * common + 0.15 * languages[side]
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        out.flush()
    np.save(folder / "gold.npy", gold)


def _spectrum(width: int) -> Matrix:
    """Standard deviations along the axes: the variance falls with the square root of the rank."""
    return np.asarray((np.arange(width) + 8) ** -0.25, np.float32)


def _unit(random: np.random.Generator, rows: int, width: int, spectrum: Matrix | None = None) -> Matrix:
    vectors = random.standard_normal((rows, width), dtype=np.float32)
    if spectrum is not None:
        vectors *= spectrum
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
