"""FLORES-200 as retrieval: find each sentence's translation among 997 (dev) or 1,012 (devtest) of another language.

By default each language against English, English queries as in Tatoeba; `de-fr` asks German queries of French.
Every file holds the same sentences in the same order, so all languages are resampled together."""

from harness.errors import HarnessError
from harness.examples import Pair
from harness.languages import FLORES_LANGUAGES, flores_code
from harness.metrics.retrieval import pair_metrics
from harness.tasks.source import Source, read_lines
from harness.tasks.task import Loaded, Task, content_hash
from harness.tasks.tatoeba import refuse_blank_lines

SPLITS = {"validation": "dev", "test": "devtest"}


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`language` is a code (against English) or `source-target`; `dev` is validation, `devtest` is test."""
    query, index = sides(language)
    folder = SPLITS[split]
    names = [f"{folder}/{flores_code(code)}.{folder}" for code in (query, index)]
    paths = source.all("flores200", names)
    queries, targets = (read_lines(path) for path in paths)
    if len(queries) != len(targets):
        raise HarnessError(
            f"{paths[0]} has {len(queries)} lines and {paths[1].name} has {len(targets)}.",
            "FLORES-200's files are parallel line by line: fetch both again.",
        )
    for path, lines in zip(paths, (queries, targets), strict=True):
        refuse_blank_lines(str(path), lines)
    pairs = tuple(Pair(row, *texts) for row, texts in enumerate(zip(queries, targets, strict=True)))[:limit]
    return Loaded(pairs, split, content_hash(pairs), len(pairs))


def sides(language: str) -> tuple[str, str]:
    """(query, index) languages of `de` or of a pair such as `de-fr`."""
    for cut in [at for at, letter in enumerate(language) if letter == "-"]:
        left, right = language[:cut], language[cut + 1 :]
        if left in FLORES_LANGUAGES and right in FLORES_LANGUAGES:
            return left, right
    return "en", language


def accepts(language: str) -> bool:
    """A FLORES-200 language other than English, or a pair of two different ones."""
    query, index = sides(language)
    return query != index and {query, index} <= set(FLORES_LANGUAGES)


TASK = Task(
    name="flores200",
    title="FLORES-200 sentence retrieval (English queries)",
    form="pair",
    languages=tuple(code for code in FLORES_LANGUAGES if code != "en"),
    protocols=("retrieve",),
    metrics=pair_metrics,
    load=load,
    accepts=accepts,
    files="flores200/{dev,devtest}/<lng_Scrp>.{dev,devtest}",
    joint=True,
    splits=("validation", "test"),
    source="facebookresearch/flores, FLORES-200",
    licence="CC BY-SA 4.0",
)
