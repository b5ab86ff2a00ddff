"""FLORES-200 as translation into and out of English: the sentences of `flores200`, written by a generative model.

chrF++ is the main number (Goyal et al. 2022 report it beside spBLEU); sacreBLEU's own signatures stand in ours."""

from harness.examples import Pair
from harness.languages import FLORES_LANGUAGES
from harness.metrics.score import Metric
from harness.metrics.text import lacking, text_signature, translation_metrics
from harness.tasks import flores200
from harness.tasks.source import MissingDataError, Source
from harness.tasks.task import Loaded, Task

ENGLISH = "en"


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`de-en` asks for English of German sentences. The solved examples are the pairs of dev, of which none is there
    when dev itself is scored."""
    loaded = flores200.load(source, language, split, limit)
    notes = {"sacrebleu": signatures(target(language))}
    return Loaded(loaded.examples, loaded.split, loaded.data, loaded.count, notes, _shots(source, language, split))


def target(language: str) -> str:
    """The language that is written: `en` of `de-en`."""
    return flores200.sides(language)[1]


def signatures(language: str) -> str:
    """sacreBLEU's own signature of each metric, and what is left out because its tokenizer is not at hand."""
    said = [f"{metric.name}[{text_signature(metric.name, 1, language)}]" for metric in translation_metrics(language)]
    return " ".join([*said, *(f"no {name}" for name in ("bleu", "spbleu") if lacking(name, language))])


def metrics(language: str) -> tuple[Metric, ...]:
    """Those of the language that is written."""
    return translation_metrics(target(language))


def directions(language: str) -> tuple[str, ...]:
    """`de` stands for both directions: out of English and into it."""
    return (f"{ENGLISH}-{language}", f"{language}-{ENGLISH}") if language in FLORES_LANGUAGES else (language,)


def accepts(language: str) -> bool:
    """A pair with English on one side."""
    sides = flores200.sides(language)
    return sides.count(ENGLISH) == 1 and language == "-".join(sides) and flores200.accepts(language)


def _shots(source: Source, language: str, split: str) -> tuple[Pair, ...]:
    if split != "test":
        return ()
    try:
        found = flores200.load(source, language, "validation", None).examples
    except MissingDataError:
        return ()
    return tuple(one for one in found if isinstance(one, Pair))  # type: ignore[union-attr]


TASK = Task(
    name="flores200_mt",
    title="FLORES-200 translation into and out of English",
    form="translate",
    languages=tuple(pair for code in FLORES_LANGUAGES if code != ENGLISH for pair in directions(code)),
    protocols=("prompt",),
    metrics=metrics,
    load=load,
    accepts=accepts,
    files="flores200/{dev,devtest}/<lng_Scrp>.{dev,devtest}",
    joint=True,
    splits=("validation", "test"),
    source="facebookresearch/flores, FLORES-200",
    licence="CC BY-SA 4.0",
    expand=directions,
)
