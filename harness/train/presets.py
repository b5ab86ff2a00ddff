"""The two published sets of fine-tuning settings: XTREME's own scripts and the paper's (Phang et al. 2020).

A second reading of each stands in `../shared/spec/xtreme.md`, sections 1.0 and 3.1."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from harness.errors import unknown_names
from harness.tasks.source import MissingDataError
from harness.train.settings import TrainSettings


@dataclass(frozen=True)
class Preset:
    """Settings for each task that is fine-tuned, and where they come from. `large` are the settings that
    differ for a large model (XLM-100, XLM-R large)."""

    name: str
    source: str
    tasks: Mapping[str, TrainSettings]
    large: Mapping[str, Mapping[str, Any]]


# run_classify, run_tag: warm-up 0, weight decay 0; run_squad: 500 steps, 1e-4; AdamW's epsilon 1e-8, clip
# 1.0.
_OFFICIAL = TrainSettings(learning_rate=2e-5, epochs=5, batch_size=32, max_length=128, selection="best")
_OFFICIAL_TAGS = replace(_OFFICIAL, epochs=10)
# Three epochs since August 2021 (two before); the scripts select nothing for question answering.
_OFFICIAL_SPANS = replace(
    _OFFICIAL, learning_rate=3e-5, epochs=3, max_length=384, warmup=500, weight_decay=1e-4, selection="last"
)

# Ours: no published recipe trains one head on English questions for exams in other languages. Questions of MMLU are
# longer than the 128 tokens of XTREME's pairs.
_EXAM = replace(_OFFICIAL, epochs=3, max_length=256, warmup=0.1, weight_decay=0.01, evaluate_every=200, dev_limit=600)
EXAMS = ("mmlu", "mmmlu", "global_mmlu", "global_mmlu_lite", "m_mmlu", "mmlu_prox", "belebele", "xstorycloze")

XTREME = Preset(
    name="xtreme",
    source="google-research/xtreme at 838c13b: scripts/train_{xnli,pawsx,udpos,panx,qa}.sh, run_xcopa.py",
    tasks={
        "xnli": replace(_OFFICIAL, evaluate_every=100),
        "pawsx": replace(_OFFICIAL, evaluate_every=200),
        "udpos": replace(_OFFICIAL_TAGS, evaluate_every=500),
        "panx": replace(_OFFICIAL_TAGS, evaluate_every=1000),
        "xquad": _OFFICIAL_SPANS,
        "mlqa": _OFFICIAL_SPANS,
        "tydiqa": _OFFICIAL_SPANS,
        "xcopa": replace(_OFFICIAL, selection="last"),
        **dict.fromkeys(EXAMS, _EXAM),
    },
    large={"xnli": {"learning_rate": 3e-5}, "xcopa": {"learning_rate": 3e-5}},
)

_PAPER = TrainSettings(
    learning_rate=1e-5,
    batch_size=32,
    max_length=256,
    warmup=0.1,
    weight_decay=0.01,
    selection="best",
    evaluate_every=1000,
    patience=30,
    dev_limit=500,
)
_PAPER_SPANS = replace(_PAPER, epochs=2, batch_size=16, max_length=384)

STILTS = Preset(
    name="stilts",
    source="nyu-mll/jiant at daa5a25: guides/benchmarks/xtreme.md, guides/projects/xstilts.md",
    tasks={
        "xnli": replace(_PAPER, epochs=2),
        "pawsx": replace(_PAPER, epochs=5),
        "udpos": replace(_PAPER, epochs=10),
        "panx": replace(_PAPER, epochs=10),
        "xquad": _PAPER_SPANS,
        "mlqa": _PAPER_SPANS,
        # The paper stops early on English validation, which is the evaluated English test: nothing is
        # selected.
        "tydiqa": replace(_PAPER_SPANS, selection="last", evaluate_every=None, patience=None, dev_limit=None),
    },
    large={},
)

# Devlin et al. (2019, arXiv 1810.04805), appendix A.3.
DEFAULT_GRID: Mapping[str, tuple[float, ...]] = {"learning_rate": (2e-5, 3e-5, 5e-5), "epochs": (2.0, 3.0, 4.0)}

PRESETS: Mapping[str, Preset] = {"xtreme": XTREME, "stilts": STILTS}

# The task whose settings one from outside takes, by its form.
LIKE = {"classify": "xnli", "tag": "panx", "span": "xquad", "choice": "xcopa"}


def preset(name: str, task: str, overrides: Mapping[str, Any] | None = None, large: bool = False) -> TrainSettings:
    """The settings of a preset for a task, with the overrides laid over them; HarnessError for an unknown
    preset or setting, MissingDataError for a task that the preset does not train."""
    if name not in PRESETS:
        raise unknown_names("preset", [name], PRESETS, f"Choose one of {', '.join(PRESETS)}.")
    chosen = PRESETS[name]
    if task not in chosen.tasks:
        raise MissingDataError(f"the preset '{name}' has no settings for {task}")
    known = [field.name for field in fields(TrainSettings)]
    unknown = [one for one in overrides or {} if one not in known]
    if unknown:
        raise unknown_names("training setting", unknown, known, f"There are {', '.join(known)}.")
    own = dict(chosen.large[task]) if large and task in chosen.large else {}
    return replace(chosen.tasks[task], **{**own, **(overrides or {})})
