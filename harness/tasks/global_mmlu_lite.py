"""Global-MMLU-Lite: 400 questions a language, half of them culturally sensitive, in languages that people checked.

Trap: lm-eval's `global_mmlu_<lng>` is this set, not the full one."""

from dataclasses import replace
from functools import partial

from harness.tasks.global_mmlu import TASK as FULL
from harness.tasks.global_mmlu import load

LANGUAGES = ("ar", "bn", "cy", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "pt", "sq", "sw", "yo", "zh")

TASK = replace(
    FULL,
    name="global_mmlu_lite",
    title="Global-MMLU-Lite",
    languages=LANGUAGES,
    load=partial(load, "global_mmlu_lite", 0),
    files=FULL.files.replace("global_mmlu/", "global_mmlu_lite/"),
    source="CohereLabs/Global-MMLU-Lite",
)
