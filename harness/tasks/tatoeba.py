"""Tatoeba: find each English sentence's translation among the other language's (Artetxe & Schwenk 2019, in XTREME).

The official direction is English -> xx with the English side in Python string order, nearest neighbour by cosine;
the label of a row is its line in the original file (google-research/xtreme, `tatoeba_preprocess`)."""

from harness.errors import HarnessError
from harness.examples import Pair
from harness.languages import TATOEBA_LANGUAGES, tatoeba_code
from harness.metrics.retrieval import pair_metrics
from harness.tasks.source import Source, read_lines
from harness.tasks.task import Loaded, Task, content_hash
from harness.tasks.xtreme import XTREME_LANGUAGES


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """One language against English; there is one split, `test`, whatever was asked for."""
    code = tatoeba_code(language)
    names = [f"tatoeba.{code}-eng.{code}", f"tatoeba.{code}-eng.eng"]
    paths = source.all("tatoeba", names)
    other, english = (read_lines(path) for path in paths)
    if len(other) != len(english):
        raise HarnessError(
            f"{paths[0]} has {len(other)} lines and {paths[1].name} has {len(english)}.",
            "Line i of the two files must be translations of one another: fetch both again.",
        )
    for path, lines in zip(paths, (other, english), strict=True):
        refuse_blank_lines(str(path), lines)
    order = sorted(range(len(english)), key=english.__getitem__)
    pairs = tuple(Pair(row, english[row], other[row]) for row in order[:limit])
    return Loaded(pairs, "test", content_hash(pairs), len(pairs))


def refuse_blank_lines(path: str, lines: list[str]) -> None:
    """A blank sentence shifts or empties an item: refused with its line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise HarnessError(f"{path}, line {number}: an empty sentence.", "Fetch the file again.")


TASK = Task(
    name="tatoeba",
    title="Tatoeba sentence retrieval (English queries)",
    form="pair",
    languages=XTREME_LANGUAGES["tatoeba"],
    protocols=("retrieve",),
    metrics=pair_metrics,
    load=load,
    accepts=TATOEBA_LANGUAGES.__contains__,
    files="tatoeba/tatoeba.<lng>-eng.{<lng>,eng}",
    source="facebookresearch/LASER, data/tatoeba/v1",
    licence="CC BY 2.0 FR",
)
