"""Which language does a code mean, and how does each data set spell it?

Results hold the shortest BCP-47 code; the data sets write ISO 639-3 (Tatoeba), ISO 639-3 with ISO 15924
(FLORES-200, Belebele), locales (MMMLU) or English names (XTREME's POS tags). The trap: an individual language
and its macrolanguage (`swh`, `swa`) are one here, two scripts of a language (`kas_Arab`, `kas_Deva`) two."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.errors import HarnessError, unknown_names

_TABLE = Path(__file__).with_name("language_table.tsv")
_ACCEPTED = "Give a code or an English name, such as de, deu, deu_Latn, zh-Hant, PT_BR or German."
_SCRIPTS = {
    "Arab": "Arabic", "Armn": "Armenian", "Beng": "Bengali", "Cyrl": "Cyrillic", "Deva": "Devanagari",
    "Ethi": "Ethiopic", "Geor": "Georgian", "Grek": "Greek", "Gujr": "Gujarati", "Guru": "Gurmukhi",
    "Hang": "Hangul", "Hans": "Simplified", "Hant": "Traditional", "Hebr": "Hebrew", "Jpan": "Japanese",
    "Khmr": "Khmer", "Knda": "Kannada", "Laoo": "Lao", "Latn": "Latin", "Mlym": "Malayalam",
    "Mong": "Mongolian", "Mtei": "Meitei", "Mymr": "Myanmar", "Olck": "Ol Chiki", "Orya": "Odia",
    "Sinh": "Sinhala", "Taml": "Tamil", "Telu": "Telugu", "Tfng": "Tifinagh", "Thai": "Thai",
    "Tibt": "Tibetan",
}  # fmt: skip
# A script code that covers the usual script of a language says no more than the language alone.
_WIDER_SCRIPTS = {"Kore": ("Hang",), "Hani": ("Hans", "Hant")}
# Spellings that the general rules would refuse or read otherwise: tw and br are languages too.
_SPELLINGS = {
    "zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-mo": "zh-hant",
    "pt-br": "pt", "sh": "sr-latn", "hbs": "sr-latn",
}  # fmt: skip


@dataclass(frozen=True)
class Language:
    """A language in a script. `code` is the shortest BCP-47 code, `script` the ISO 15924 code; `branch` is
    the group below the family that is usually reported (Germanic, Bantu) and empty where there is none."""

    code: str
    name: str
    script: str
    family: str
    branch: str = ""


@dataclass(frozen=True)
class _Row:
    code: str
    iso3: str
    flores_scripts: tuple[str, ...]
    tatoeba: str
    name: str
    script: str
    family: str
    branch: str
    aliases: tuple[str, ...]


def _list(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(",")) if cell else ()


@cache
def _rows() -> dict[str, _Row]:
    rows = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines()[1:]:
        code, iso3, scripts, tatoeba, name, script, family, branch, aliases = (
            "" if cell == "-" else cell for cell in line.split("\t")
        )
        rows[code] = _Row(code, iso3, _list(scripts), tatoeba, name, script, family, branch, _list(aliases))
    return rows


@cache
def _codes() -> dict[str, str]:
    """Every spelling without script or region, in lower case -> code."""
    return {
        spelling.lower(): row.code
        for row in _rows().values()
        for spelling in (row.code, row.iso3, row.tatoeba or row.iso3, row.name, *row.aliases)
    }


def _is_script(subtag: str) -> bool:
    return len(subtag) == 4 and subtag.isalpha()


def _is_region(subtag: str) -> bool:
    # `en` is no region of ISO 3166, and the usual second half of a pair (`de_en`).
    return (len(subtag) == 2 and subtag.isalpha() and subtag != "en") or (len(subtag) == 3 and subtag.isdigit())


def _reads_as_pair(code: str) -> bool:
    """`en-de` is English to German as well as English in Germany; `en-DE` and `en_de` are regions only."""
    first, _, second = code.partition("-")
    if len(second) != 2 or second.lower() not in _rows() or first.lower() == second.lower():
        return False
    return second == "EN" or not (first.islower() and second.isupper())


def _script(row: _Row, subtag: str) -> str | None:
    """The script that a subtag names for this language; None where it names none."""
    script = subtag.title()
    if row.script in _WIDER_SCRIPTS.get(script, ()):
        return row.script
    return script if script in _SCRIPTS else None


def _find(code: str) -> tuple[_Row, str] | None:
    """The language and script that a code or name means; None when it means none, or a pair."""
    spelling = code.strip().lower().replace("_", "-")
    if spelling not in _SPELLINGS and _reads_as_pair(code.strip()):
        return None
    spelling = _SPELLINGS.get(spelling, spelling)
    first, *rest = (spelling,) if spelling in _codes() else spelling.split("-")
    if first not in _codes():
        return None
    row = _rows()[_codes()[first]]
    script: str | None = row.script
    if rest and _is_script(rest[0]):
        script = _script(row, rest.pop(0))
    if rest and _is_region(rest[0]):
        rest.pop(0)
    return None if rest or script is None else (row, script)


def _unknown(codes: list[str]) -> HarnessError:
    pairs = [f"'{code}'" for code in codes if _reads_as_pair(code.strip())]
    hint = f" {', '.join(pairs)} reads as a pair; write a region in capitals: ko-KR." if pairs else ""
    return unknown_names("language", codes, _codes(), _ACCEPTED + hint)


def _found(code: str) -> tuple[_Row, str]:
    found = _find(code)
    if found is None:
        raise _unknown([code])
    return found


def _shortest(row: _Row, script: str) -> str:
    return row.code if script == row.script else f"{row.code}-{script}"


def language(code: str) -> Language:
    """The language that a code or English name means, with the script it is written in.

    Accepts ISO 639-1, 639-2 and 639-3 codes, BCP-47 tags, FLORES codes, locales and names, in any case, with
    `-` or `_`; refuses what reads as a pair of languages (`en-de`). A region is dropped (`PT_BR` is `pt`),
    save where it names the script (`zh-TW` is `zh-Hant`).
    Raises HarnessError with the nearest known spellings."""
    row, script = _found(code)
    name = row.name if script == row.script else f"{row.name} ({_SCRIPTS[script]})"
    return Language(_shortest(row, script), name, script, row.family, row.branch)


def normalise(code: str) -> str:
    """The shortest BCP-47 code of what `language` accepts: `de`; `ks-Deva` for a script that is not usual.

    Raises HarnessError with the nearest known spellings."""
    return _shortest(*_found(code))


def normalise_all(codes: Iterable[str]) -> tuple[str, ...]:
    """Shortest codes of a list, in its order, each once. One HarnessError names all unknown entries."""
    codes = list(codes)
    unknown = [code for code in codes if _find(code) is None]
    if unknown:
        raise _unknown(unknown)
    return tuple(dict.fromkeys(normalise(code) for code in codes))


def flores_code(code: str) -> str:
    """The code in the style of FLORES-200 and Belebele (`deu_Latn`), whether or not they have the language.

    Individual languages stand for macrolanguages as there (`swh_Latn`, `lvs_Latn`).
    Raises HarnessError as `normalise`."""
    row, script = _found(code)
    return f"{row.iso3}_{script}"


def tatoeba_code(code: str) -> str:
    """The code in the file names of LASER's Tatoeba test set (`deu`, `cmn`).

    Raises HarnessError as `normalise`, and where Tatoeba lacks the language or tells no scripts apart."""
    row, script = _found(code)
    if not row.tatoeba or script != row.script:
        found = language(code)
        remedy = f"It does not tell scripts apart: use {row.code}." if row.tatoeba else "Leave the language out."
        raise HarnessError(f"Tatoeba has no files for {found.name} ({found.code}).", remedy)
    return row.tatoeba


def _flores_languages() -> tuple[str, ...]:
    return tuple(_shortest(row, script) for row in _rows().values() for script in row.flores_scripts)


# Read with the module (under 1 ms): tasks name their languages when they are imported.
FLORES_LANGUAGES: tuple[str, ...] = _flores_languages()
"""The 204 languages of FLORES-200, English among them, as the shortest BCP-47 codes."""
TATOEBA_LANGUAGES: tuple[str, ...] = tuple(row.code for row in _rows().values() if row.tatoeba)
"""The 112 languages that LASER's Tatoeba test set pairs with English, as the shortest BCP-47 codes."""
