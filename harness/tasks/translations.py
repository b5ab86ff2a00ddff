"""Pairs of sentences (translations, paraphrases) and of words, for contrastive training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.languages import normalise
from harness.tasks.plain_text import Text, read_corpora
from harness.tasks.source import MissingDataError, Source, read_lines

REPAIR = "Repair that line; nothing was trained."
# Corpora whose files are parallel line by line.
PARALLEL = ("flores200", "multi30k", "xtd10")
PAIRS, LEXICON = "pairs", "lexicon"


@dataclass(frozen=True)
class Pairs:
    """Pairs of one corpus: (sentence or word in `languages[0]`, the same in `languages[1]`), and their files."""

    corpus: str
    languages: tuple[str, str]
    paths: tuple[Path, ...]
    rows: tuple[tuple[str, str], ...]


def read_translations(source: Source, names: Sequence[str] | None, languages: Sequence[str] | None) -> list[Pairs]:
    """Translations with English from `pairs/<a>-<b>.tsv` where that is there, else FLORES-200's dev; or from the named
    corpora. MissingDataError: there are none; HarnessError: an unknown corpus."""
    known = (PAIRS, *PARALLEL)
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise unknown_names("corpus of pairs", unknown, known, f"There are {', '.join(known)}.")
    chosen = names or ([PAIRS] if (source.root / PAIRS).is_dir() else ["flores200"])
    found = [one for name in chosen for one in (_listed(source, PAIRS) if name == PAIRS else _parallel(source, name))]
    return _wanted(found, languages, f"translation pairs of {', '.join(chosen)} in {source.root}")


def read_lexicon(source: Source, languages: Sequence[str] | None) -> list[Pairs]:
    """Word pairs from `lexicon/<a>-<b>.txt` (MUSE's format: two words a line); else the names of emoji in Unicode's
    CLDR, `image_text/emoji/names.tsv`."""
    found = list(_listed(source, LEXICON)) if (source.root / LEXICON).is_dir() else list(_emoji(source))
    return _wanted(found, languages, f"word pairs in {source.root / LEXICON}")


def _wanted(found: Sequence[Pairs], languages: Sequence[str] | None, what: str) -> list[Pairs]:
    """English goes without saying."""
    allowed = None if languages is None else {"en", *languages}
    kept = [one for one in found if one.rows and (allowed is None or set(one.languages) <= allowed)]
    if not kept:
        among = f" among {', '.join(languages)}" if languages else ""
        raise MissingDataError(f"no {what}{among}")
    return kept


def _listed(source: Source, folder: str) -> Iterator[Pairs]:
    """`<a>-<b>.tsv` or `.txt`: two columns parted by a tab, in a lexicon also by a space."""
    for path in sorted((source.root / folder).glob("*-*.t[sx][vt]")):
        first, _, second = path.stem.partition("-")
        rows = []
        for number, line in enumerate(read_lines(path), 1):
            row = line.split("\t") if "\t" in line or folder == PAIRS else line.split()
            if len(row) != 2 or not all(part.strip() for part in row):
                raise HarnessError(f"{path}, line {number}: {len(row)} fields instead of 2.", REPAIR)
            rows.append((row[0].strip(), row[1].strip()))
        yield Pairs(folder, (normalise(first), normalise(second)), (path,), tuple(rows))


def _parallel(source: Source, name: str) -> Iterator[Pairs]:
    """English with every other language; files of another number of lines are refused."""
    texts: dict[tuple[str, str], Text] = {}
    for text in read_corpora(source, [name]):
        texts[text.language, _split(text.path)] = text
    for (language, split), text in texts.items():
        english = texts.get(("en", split))
        if language == "en" or english is None:
            continue
        if len(english.lines) != len(text.lines):
            raise HarnessError(
                f"{text.path} has {len(text.lines)} lines, {english.path.name} has {len(english.lines)}.",
                "Line i of the two must be translations of one another: fetch both again.",
            )
        rows = tuple(zip(english.lines, text.lines, strict=True))
        yield Pairs(name, ("en", language), (english.path, text.path), rows)


def _split(path: Path) -> str:
    """What part of a corpus a file is: Multi30k has several (`train.de.gz`, `val.de.gz`)."""
    return path.name.split(".")[0] if path.suffix == ".gz" else ""


def _emoji(source: Source) -> Iterator[Pairs]:
    path = source.root / "image_text" / "emoji" / "names.tsv"
    if not path.is_file():
        return
    header, *rows = [line.split("\t") for line in read_lines(path)]
    columns: Mapping[str, int] = {normalise(code): at for at, code in enumerate(header) if at > 1}
    for code, at in columns.items():
        if code != "en":
            both = tuple((row[columns["en"]], row[at]) for row in rows if row[columns["en"]] and row[at])
            yield Pairs("CLDR", ("en", code), (path,), both)
