"""Where the sentence retrieval sets come from.

Trap: BUCC's dev sides, on which XTREME tunes its threshold, are on the hub nowhere; they come from BUCC's own site."""

from pathlib import Path

from harness.errors import HarnessError
from harness.languages import FLORES_LANGUAGES, TATOEBA_LANGUAGES, flores_code, tatoeba_code
from harness.tasks import hub_counts as counts
from harness.tasks import official
from harness.tasks.data_set import TEXT, Columns, HubSet, OriginalSet, every
from harness.tasks.xtreme import XTREME_LANGUAGES

BUCC = "https://comparable.limsi.fr/bucc2018"


def _of_language(found: Columns, code: str) -> list[int]:
    return [row for row, pair in enumerate(found["lang"]) if pair == f"{code}-eng"]


def _bucc_sides(folder: Path, language: str, split: str) -> tuple[str, ...]:
    try:
        return tuple((folder / f"{language}-en.sample.{side}").read_text("utf-8") for side in (language, "en", "gold"))
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"BUCC's archive of {language} is not what it was: {error}.", "Fetch it by hand.") from error


RETRIEVAL = (
    HubSet(
        "tatoeba",
        "mteb/tatoeba-bitext-mining",
        "69e8f12da6e31d59addadda9a9c8a2e601a0e282",
        "CC BY 2.0 FR",
        every(TATOEBA_LANGUAGES, "test"),
        {"test": "test"},
        files=lambda code, split: (f"tatoeba/tatoeba.{code}-eng.{code}", f"tatoeba/tatoeba.{code}-eng.eng"),
        columns={"sentence1": TEXT, "sentence2": TEXT, "lang": TEXT},
        write=lambda found, code: official.lines({name: found[name] for name in ("sentence1", "sentence2")}),
        code=tatoeba_code,
        rows=lambda code, split: counts.TATOEBA.get(code, 1000 if code in XTREME_LANGUAGES["tatoeba"] else None),
        total={"test": counts.TATOEBA_TOTAL},
        select=_of_language,
        note="row numbers are those of the hub's copy of LASER's files",
    ),
    HubSet(
        "flores200",
        "mteb/FloresBitextMining",
        "2144d16cc15edd22d4a9237d12bff5f31f5c07fc",
        "CC BY-SA 4.0",
        every(FLORES_LANGUAGES, "test"),
        {"test": "devtest"},
        files=lambda code, split: (f"flores200/devtest/{code}.devtest",),
        columns={"{code}": TEXT},
        write=lambda found, code: official.lines({code: found[code]}),
        code=flores_code,
        total={"test": 1012},
        note="devtest alone; dev is in the gated openlanguagedata/flores_plus and in Meta's FLORES-200 archive",
    ),
    HubSet(
        "bucc2018",
        "mteb/BUCC",
        "414572247440f0ccacf7eb0bb70a31533a0e5443",
        "not stated, for research",
        every(XTREME_LANGUAGES["bucc2018"], "test"),
        {"test": "test"},
        files=lambda code, split: tuple(f"bucc2018/{code}-en.test.{side}" for side in (code, "en", "gold")),
        columns={"sentence1": "[string]", "sentence2": "[string]", "gold": "[[int]]"},
        write=lambda found, code: official.comparable(found, code, counts.BUCC_GOLD[code]),
        config=lambda code: f"{code}-en",
        total={"test": 1},
        note="XTREME's test sides (BUCC's training split); sentence ids are positions",
    ),
    OriginalSet(
        "bucc2018",
        lambda language: f"{BUCC}/bucc2018-{language}-en.sample-gold.tar.bz2",
        "not stated, for research",
        every(XTREME_LANGUAGES["bucc2018"], "validation"),
        files=lambda code, split: tuple(f"bucc2018/{code}-en.dev.{side}" for side in (code, "en", "gold")),
        members=lambda code, split: (f"{code}-en.sample.*",),
        read=_bucc_sides,
        where=BUCC.removeprefix("https://"),
        note="XTREME's dev sides (BUCC's sample split), which no hub data set has; the address is XTREME's",
    ),
)
