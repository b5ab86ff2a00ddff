"""Mining: the official candidate pairs from stored vectors, and a plain second implementation."""

from pathlib import Path

import numpy as np
import pytest

from harness.examples import Mining
from harness.retrieval.margin import backward_margins, margins
from harness.retrieval.mine import mine, mine_corpora, unambiguous
from harness.retrieval.neighbours import search_both
from harness.tasks import get_task
from harness.tasks.source import Source


def _unit(seed: int, rows: int, width: int = 8) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_stored_vectors_give_exactly_the_official_candidates(shared: Path, split: str) -> None:
    golden = shared / "golden/retrieval"
    examples = get_task("bucc2018").load(Source(golden), "de", "test", None).examples
    assert isinstance(examples, Mining)
    corpora = examples.tune if split == "dev" else examples.test
    assert corpora is not None
    texts = corpora.source.texts, corpora.target.texts
    stored = [np.load(golden / f"official/de/de-en.{split}.{side}.npy") for side in ("de", "en")]
    source, target = (np.float32(side / np.linalg.norm(side, axis=1, keepdims=True)) for side in stored)
    found = mine_corpora(texts, (source, target), search_both)
    ours = {
        (texts[0][row].strip(), texts[1][column].strip()): score
        for row, column, score in zip(found.source, found.target, found.score, strict=True)
    }
    official = {}
    for line in (golden / f"official/de/cand.{split}.tsv").read_text("utf-8").splitlines():
        score, one, other = line.split("\t")
        official[one, other] = float(score)
    assert len(official) > 300
    assert ours.keys() == official.keys()
    assert max(abs(ours[pair] - official[pair]) for pair in official) < 1e-5


def test_mining_is_that_of_a_plain_loop() -> None:
    both = search_both(_unit(0, 60), _unit(1, 50), 4)
    ahead, back = margins(both, "ratio", 4), backward_margins(both, "ratio", 4)
    forward = [(row, int(both.forward_index[row, ahead[row].argmax()]), ahead[row].max()) for row in range(60)]
    backward = [(int(both.backward_index[row, back[row].argmax()]), row, back[row].max()) for row in range(50)]
    best_first = sorted(forward + backward, key=lambda pair: -pair[2])
    found = mine(both, 4, "ratio")
    assert list(zip(found.source.tolist(), found.target.tolist(), strict=True)) == _greedy(best_first)
    assert (np.diff(found.score) <= 0).all()


def _greedy(pairs: list[tuple[int, int, float]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for one, other, _ in pairs:
        if all(one != a and other != b for a, b in kept):
            kept.append((one, other))
    return kept


def test_equal_texts_are_one_and_ambiguous_ones_are_dropped() -> None:
    vectors = _unit(2, 4)
    source, target = vectors[[0, 1, 2, 1]], vectors[[0, 1, 2, 3]]
    texts = ("a", "b", "c", "b"), ("A", "B", "C", "D")
    found = mine_corpora(texts, (source, target), search_both, k=2)
    pairs = set(zip(found.source.tolist(), found.target.tolist(), strict=True))
    assert (3, 1) in pairs
    assert 1 not in {one for one, _ in pairs}
    kept = unambiguous(found, texts)
    assert 3 not in kept.source.tolist()
    assert len(kept.source) == len(found.source) - 1
