"""How many rows the hub's tables have, per language: checked when they are loaded.

Source: the metadata of `datasets`' last scripts (2022), from which the parquet copies were made, and MTEB's own
statistics. A pin that has other counts is not the data set that was looked at."""

# LASER's Tatoeba files of XTREME's languages; all others of XTREME have 1,000.
TATOEBA = {"jv": 205, "sw": 390, "ta": 307, "te": 234, "th": 548, "kk": 575, "ka": 746, "ml": 687}
TATOEBA_TOTAL = 88877
BUCC_GOLD = {"de": 9580, "fr": 9086, "ru": 14435, "zh": 1899}
XNLI = {"train": 392702, "validation": 2490, "test": 5010}
PAWSX = {"train": 49401, "validation": 2000, "test": 2000}
TYDIQA = {"train": 49881, "test": 5077}
TYDIQA_ROWS = {
    ("en", "train"): 3696, ("sw", "train"): 2755, ("ko", "train"): 1625,
    ("en", "test"): 440, ("sw", "test"): 499, ("id", "test"): 565,
}  # fmt: skip
# MMLU's own counts, and those of its complete translations.
MMLU = {"test": 14042, "validation": 1531, "shots": 285}
# (validation, test); with English on either side the other language's, both directions alike.
MLQA_PAIRS = {
    "ar": (517, 5335), "de": (512, 4517), "en": (1148, 11590), "es": (500, 5253), "hi": (507, 4918),
    "vi": (511, 5495), "zh": (504, 5137), "ar-de": (207, 1649), "ar-es": (161, 1978), "ar-hi": (186, 1831),
    "ar-vi": (163, 2047), "ar-zh": (188, 1912), "de-es": (196, 1776), "de-hi": (163, 1430), "de-vi": (182, 1675),
    "de-zh": (190, 1621), "es-hi": (187, 1723), "es-vi": (189, 2018), "es-zh": (161, 1947), "hi-vi": (177, 1947),
    "hi-zh": (189, 1767), "vi-zh": (184, 1943),
}  # fmt: skip
# (train, validation = test)
_WIKIANN = {
    (20000, 10000): "ar bg de el en es fa fi fr he hu id it ja ko nl pt ru th tr vi zh",
    (20000, 1000): "ms ur",
    (15000, 10000): "et",
    (15000, 1000): "ta",
    (10000, 10000): "eu ka",
    (10000, 1000): "bn ml tl",
    (5000, 1000): "af hi mr",
    (1000, 1000): "kk sw te",
    (100, 100): "jv my yo",
}
WIKIANN = {code: counts for counts, codes in _WIKIANN.items() for code in codes.split()}
# train, validation, test of google/xtreme's `udpos.<Language>`; 0 where there is no such split.
_UDPOS = """
af Afrikaans 1315 194 425|ar Arabic 6075 909 1680|bg Bulgarian 8907 1115 1116|de German 166849 19233 22458
el Greek 28152 2559 2809|en English 21253 3974 5440|es Spanish 28492 3054 3147|et Estonian 25749 3125 3760
eu Basque 5396 1798 1799|fa Persian 4798 599 600|fi Finnish 27198 3239 4422|fr French 47308 5979 9465
he Hebrew 5241 484 491|hi Hindi 13304 1659 2684|hu Hungarian 910 441 449|id Indonesian 4477 559 1557
it Italian 29685 2278 3518|ja Japanese 7125 511 2372|kk Kazakh 31 0 1047|ko Korean 27410 3016 4276
mr Marathi 373 46 47|nl Dutch 18051 1394 1471|pt Portuguese 17992 1770 2681|ru Russian 67435 9960 11336
ta Tamil 400 80 120|te Telugu 1051 131 146|th Thai 0 0 1000|tl Tagalog 0 0 55|tr Turkish 3664 988 4785
ur Urdu 4043 552 535|vi Vietnamese 1400 800 800|yo Yoruba 0 0 100|zh Chinese 18998 3038 5528
"""
_UDPOS_ROWS = [row.split() for row in _UDPOS.replace("\n", "|").split("|") if row]
UDPOS_NAMES = {code: name for code, name, *_ in _UDPOS_ROWS}
UDPOS = {
    (code, split): int(count)
    for code, _, *counts in _UDPOS_ROWS
    for split, count in zip(("train", "validation", "test"), counts, strict=True)
}


def mlqa(language: str, split: str) -> int:
    """Questions of `de` or of a pair such as `de-en`."""
    codes = sorted(set(language.split("-")))
    if len(codes) == 2 and "en" in codes:
        codes.remove("en")
    return MLQA_PAIRS["-".join(codes)][split == "test"]


def wikiann(language: str, split: str) -> int | None:
    """Sentences of a language, where they are known."""
    counts = WIKIANN.get(language)
    return counts[split != "train"] if counts else None
