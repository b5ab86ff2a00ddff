"""Two papers as studies: their recipes, tasks and settings, and what they claimed, each with where it was read.

A claim without a source at hand stays out: of Phang et al.'s table with a row per intermediate task no source was found
(../shared/spec/xtreme.md 3.3), so no cell of it stands here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import unknown_names
from harness.report.study.claims import Claim, amounts, gains, leads, scores
from harness.report.study.related import BEST, NONE
from harness.tasks.xtreme import XTREME_LANGUAGES

ABSTRACT = "Phang et al. 2020, arXiv 2005.13013, abstract of the final version"
REMBERT = "Chung et al. 2020 (RemBERT), appendix A.8, table 16: X-STILTs and XLM-R large"
BASELINE = "zphang, nyu-mll/jiant-dev pull request 128: XLM-R large, layer 14, mean"
TURC = "Turc et al. 2021, arXiv 2106.16171, abstract"
LARGE = "xlm-roberta-large"
NINE = ("anli", "mnli", "qqp", "squad", "squad_v2", "hellaswag", "ccg", "cosmosqa", "commonsenseqa")
QA = ("xquad", "mlqa", "tydiqa")
XTREME = tuple(XTREME_LANGUAGES)
# RemBERT's table: X-STILTs minus XLM-R large (F1 of question answering). Two values of XLM-R's POS circulate: left out.
X_STILTS = {"xnli": 0.8, "pawsx": 1.5, "panx": -1.4, "xquad": 2.1, "mlqa": 0.8, "tydiqa": 10.9}


@dataclass(frozen=True)
class StudyPreset:
    """What a user need not say."""

    recipes: tuple[str, ...]
    tasks: tuple[str, ...]
    match: str
    claims: tuple[Claim, ...]
    reference: str = NONE
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_BEST_THREE = ("mnli", "squad", "hellaswag")
PHANG = StudyPreset(
    recipes=(NONE, *NINE, "all9", BEST),
    tasks=("xtreme",),
    # The paper trains every task with its own data and epochs.
    match="none",
    evaluation={"preset": "stilts"},
    claims=(
        Claim(
            "MNLI, SQuAD and HellaSwag are the best intermediate tasks overall",
            ABSTRACT,
            leads(_BEST_THREE, [one for one in NINE if one not in _BEST_THREE], XTREME),
            LARGE,
        ),
        Claim("Large gains on BUCC and Tatoeba", ABSTRACT, gains(NINE, ["bucc2018", "tatoeba"], NONE), LARGE),
        Claim("Gains on question answering", ABSTRACT, gains(NINE, QA, NONE), LARGE),
        Claim("Multi-task training adds to every single task", ABSTRACT, leads(["all9"], NINE, XTREME), LARGE),
        Claim("The best task per target gains 5.4 points on XTREME", ABSTRACT, amounts(BEST, XTREME, NONE, 5.4), LARGE),
        *(
            Claim(
                f"The best task per target moves {task} by {points:+.1f}",
                REMBERT,
                amounts(BEST, [task], NONE, points),
                LARGE,
            )
            for task, points in X_STILTS.items()
        ),
        Claim("XLM-R large scores 31.0 on Tatoeba", BASELINE, scores(NONE, "tatoeba", 31.0, 0.5), LARGE),
    ),
)
_SOURCES = ("en", "de", "ru")
TURC_2021 = StudyPreset(
    # Rows are source languages of the fine-tuning itself: no recipe makes a checkpoint.
    recipes=tuple(f"{code}={NONE}" for code in _SOURCES),
    tasks=("xnli", "pawsx", "xquad", "tydiqa"),
    match="none",
    reference="en",
    own={code: {"source_language": code} for code in _SOURCES[1:]},
    claims=tuple(
        Claim(
            f"{name}, translated from English, transfers better than English ({task})",
            TURC,
            gains([code], [task], "en"),
        )
        for code, name in (("de", "German"), ("ru", "Russian"))
        for task in ("xnli", "pawsx", "xquad", "tydiqa")
    ),
)
PRESETS: Mapping[str, StudyPreset] = {"phang2020": PHANG, "turc2021": TURC_2021}


def study_preset(name: str) -> StudyPreset:
    """The preset; HarnessError for an unknown name."""
    if name not in PRESETS:
        raise unknown_names("preset", [name], PRESETS, f"Choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def claims_of(name: str | None) -> tuple[Claim, ...]:
    """The claims that a study of this preset is judged by."""
    return () if name is None else study_preset(name).claims
