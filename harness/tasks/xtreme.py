"""Which languages, files and metrics make up XTREME and XTREME-R: the official tables, as data.

Source: google-research/xtreme at 838c13b, `evaluate.py`. An average over fewer languages than listed here is
never given the task's name. XTREME-R's LAReQA has no languages: the official scorer defines no prediction
file for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OfficialTask:
    """One task of a benchmark. `metrics` are the report's keys; the task's score is the mean of
    `averaged`."""

    name: str
    languages: tuple[str, ...]
    metrics: tuple[str, ...]
    averaged: tuple[str, ...]
    main: str
    suffix: str

    def file(self, language: str) -> str:
        """The name of a prediction or label file inside the task's folder."""
        return f"test-{language}.{self.suffix}"


def _codes(text: str) -> tuple[str, ...]:
    return tuple(text.split())


XTREME_LANGUAGES: dict[str, tuple[str, ...]] = {
    "pawsx": _codes("de en es fr ja ko zh"),
    "xnli": _codes("ar bg de el en es fr hi ru sw th tr ur vi zh"),
    "panx": _codes(
        "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw yo"
        " my zh kk tr et fi hu"
    ),
    "udpos": _codes(
        "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
    ),
    "bucc2018": _codes("de fr ru zh"),
    "tatoeba": _codes(
        "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et fi hu"
    ),
    "xquad": _codes("en es de el ru tr ar vi th zh hi"),
    "mlqa": _codes("en es de ar hi vi zh"),
    "tydiqa": _codes("en ar bn fi id ko ru sw te"),
}

XTREME_R_LANGUAGES: dict[str, tuple[str, ...]] = {
    "xnli": XTREME_LANGUAGES["xnli"],
    "xcopa": _codes("et ht id it qu sw ta th tr vi zh"),
    "panx": (*XTREME_LANGUAGES["panx"], *_codes("qu pl uk az lt pa gu ro")),
    "udpos": (*XTREME_LANGUAGES["udpos"], *_codes("lt pl uk wo ro")),
    "tatoeba": (*XTREME_LANGUAGES["tatoeba"], *_codes("az lt pl uk ro")),
    "mewslix": _codes("ar de en es fa ja pl ro ta tr uk"),
    "lareqa": (),
    "xquad": (*XTREME_LANGUAGES["xquad"], "ro"),
    "mlqa": XTREME_LANGUAGES["mlqa"],
    "tydiqa": XTREME_LANGUAGES["tydiqa"],
}

XTREME_GROUPS: dict[str, tuple[str, ...]] = {
    "classification": ("pawsx", "xnli"),
    "tagging": ("udpos", "panx"),
    "qa": ("xquad", "mlqa", "tydiqa"),
    "retrieval": ("bucc2018", "tatoeba"),
}

XTREME_R_GROUPS: dict[str, tuple[str, ...]] = {
    "classification": ("xnli", "xcopa"),
    "tagging": ("udpos", "panx"),
    "qa": ("xquad", "mlqa", "tydiqa"),
    "retrieval": ("tatoeba", "mewslix", "lareqa"),
}

# Task -> metrics of the report, metrics whose mean is the task's score, the single main metric, file suffix.
_ACCURACY = (("accuracy",), ("accuracy",), "accuracy", "tsv")
_F1 = (("f1", "precision", "recall"), ("f1",), "f1", "tsv")
_ANSWER = (("exact_match", "f1"), ("exact_match", "f1"), "f1", "json")
_RANK = (("map@20",), ("map@20",), "map@20", "json")
_KINDS = {
    "pawsx": _ACCURACY,
    "xnli": _ACCURACY,
    "xcopa": (*_ACCURACY[:3], "jsonl"),
    "panx": _F1,
    "udpos": _F1,
    "bucc2018": _F1,
    "tatoeba": _ACCURACY,
    "mewslix": _RANK,
    "lareqa": _RANK,
    "xquad": _ANSWER,
    "mlqa": _ANSWER,
    "tydiqa": _ANSWER,
}


def _tasks(languages: dict[str, tuple[str, ...]]) -> dict[str, OfficialTask]:
    return {name: OfficialTask(name, codes, *_KINDS[name]) for name, codes in languages.items()}


XTREME: dict[str, OfficialTask] = _tasks(XTREME_LANGUAGES)
XTREME_R: dict[str, OfficialTask] = _tasks(XTREME_R_LANGUAGES)
BENCHMARKS: dict[str, dict[str, OfficialTask]] = {"xtreme": XTREME, "xtreme-r": XTREME_R}
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {"xtreme": XTREME_GROUPS, "xtreme-r": XTREME_R_GROUPS}
