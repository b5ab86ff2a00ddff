"""Word pairs by frozen vectors: found by cosine and by CSLS among all words of the lexicon, both ways, with and without
the first token (which gathers attention and is much longer than the others in many models)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.examples import Word
from harness.metrics.score import Item
from harness.metrics.words import NO_FIRST
from harness.plan import Answered, Job
from harness.protocols.finder import Finder
from harness.protocols.reader import AtLayer
from harness.retrieval.vectors import Matrix

NEIGHBOURS = 10
POOLINGS = {"": "mean", NO_FIRST: "mean_no_first"}


def answer(job: Job, readers: dict[str, AtLayer], find: Finder) -> Answered:
    """An item for each pair. `readers` by the ending of their readings' names."""
    examples = job.loaded.examples
    assert isinstance(examples, tuple), "words are a tuple"
    words = [one for one in examples if isinstance(one, Word)]
    sources, targets = (list(dict.fromkeys(side)) for side in zip(*((w.source, w.target) for w in words), strict=True))
    readings: list[dict[str, Any]] = [{"held": one.held} for one in words]
    outputs: list[str] = []
    for ending, reader in readers.items():
        both = reader.unit_vectors(sources), reader.unit_vectors(targets)
        found = _read(words, (sources, targets), both, find)
        outputs = outputs or [targets[row["found"]] for row in found]
        for own, row in zip(readings, found, strict=True):
            own |= {f"{name}{ending}": value for name, value in row.items() if name != "found"}
    return Answered(
        tuple(
            Item(id=str(one.row), gold=one.target, output=output, cluster=one.source, readings=own)
            for one, output, own in zip(words, outputs, readings, strict=True)
        ),
        find.readings(),
    )


def _read(
    words: Sequence[Word], names: tuple[list[str], list[str]], vectors: tuple[Matrix, Matrix], find: Finder
) -> list[dict[str, Any]]:
    """The readings of each pair; `found` is the row of the target that was nearest."""
    from harness.retrieval.margin import csls

    sources, targets = vectors
    both = find(sources, targets, min(NEIGHBOURS, len(sources), len(targets)))
    near, back = both.forward_index[:, 0], both.backward_index[:, 0]
    by_csls, back_by_csls = csls(sources, targets, both)
    rows = [{name: at for at, name in enumerate(side)} for side in names]
    known = {(rows[0][one.source], rows[1][one.target]) for one in words}
    ends = np.array([(rows[0][one.source], rows[1][one.target]) for one in words])
    cosines = np.einsum("nd,nd->n", sources[ends[:, 0]], targets[ends[:, 1]])
    others = _others(words, rows, sources, targets)
    found = []
    for at, (source, target) in enumerate(ends.tolist()):
        found.append(
            {
                "found": int(near[source]),
                "precision_at_1": int((source, int(near[source])) in known),
                "precision_at_1_reverse": int((int(back[target]), target) in known),
                "csls": int((source, int(by_csls[source])) in known),
                "csls_reverse": int((int(back_by_csls[target]), target) in known),
                "cosine_gap": float(cosines[at] - others[source]),
            }
        )
    return found


def _others(words: Sequence[Word], rows: Sequence[dict[str, int]], sources: Matrix, targets: Matrix) -> Any:
    """(sources,): the mean cosine of each source with all targets that are no translation of it."""
    total = sources.astype(np.float64) @ targets.sum(axis=0, dtype=np.float64)
    right, count = np.zeros(len(sources)), np.zeros(len(sources))
    for source, target in dict.fromkeys((rows[0][one.source], rows[1][one.target]) for one in words):
        right[source] += float(sources[source] @ targets[target])
        count[source] += 1
    return (total - right) / np.maximum(len(targets) - count, 1)
