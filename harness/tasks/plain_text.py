"""Plain text by language, for masked-language modelling: a folder `text/`, else what unscored text is at hand."""

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.languages import FLORES_LANGUAGES, flores_code, normalise
from harness.tasks.source import MissingDataError, Source, read_lines
from harness.tasks.tagged import read_tagged

OWN = "text"
# XTD10's captions lie in two folders.
XTD10 = ("XTD10", "MIC")


@dataclass(frozen=True)
class Text:
    """One file's lines in one language, blank ones left out."""

    corpus: str
    language: str
    path: Path
    lines: tuple[str, ...]


def read_corpora(source: Source, names: Sequence[str] | None, languages: Sequence[str] | None = None) -> list[Text]:
    """The text of these corpora (None: `text/` where it is there, else all others) in these languages (None: all).

    None of these files is scored by a task of the harness under its test split; whether a line is, is another
    question (`harness data overlap`). MissingDataError: there is no text; HarnessError: an unknown corpus."""
    unknown = [name for name in names or () if name not in CORPORA]
    if unknown:
        raise unknown_names("corpus", unknown, CORPORA, f"There are {', '.join(CORPORA)}.")
    chosen = names or ([OWN] if (source.root / OWN).is_dir() else [name for name in CORPORA if name != OWN])
    found = [
        text
        for name in chosen
        for text in CORPORA[name](source)
        if text.lines and (languages is None or text.language in languages)
    ]
    if not found:
        where = f" in {', '.join(languages)}" if languages else ""
        raise MissingDataError(f"no text of {', '.join(chosen)}{where} in {source.root}")
    return found


def read_plain(path: Path) -> tuple[str, ...]:
    """The lines of a text file, or of one packed with gzip."""
    if path.suffix != ".gz":
        return _filled(read_lines(path))
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return _filled(file.read().split("\n"))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path} cannot be read: {error}.", "Fetch the file again.") from error


def _filled(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line.strip() for line in lines if line.strip())


def _own(source: Source) -> Iterator[Text]:
    """`text/<language>.txt` or `text/<language>.txt.gz`, or a folder of that name with such files."""
    for path in sorted((source.root / OWN).glob("**/*.txt*")):
        if path.is_file() and path.suffix in (".txt", ".gz"):
            folder = path.parent.name
            code = path.name.partition(".")[0] if folder == OWN else folder
            yield Text(OWN, normalise(code), path, read_plain(path))


def _flores(source: Source) -> Iterator[Text]:
    for code in FLORES_LANGUAGES:
        path = source.root / "flores200" / "dev" / f"{flores_code(code)}.dev"
        if path.is_file():
            yield Text("flores200", code, path, read_plain(path))


def _multi30k(source: Source) -> Iterator[Text]:
    """Its training and validation captions; its test captions are scored."""
    for split in ("train", "val"):
        for path in sorted((source.root / "image_text" / "multi30k" / "task1" / "raw").glob(f"{split}.*.gz")):
            yield Text("multi30k", normalise(path.name.split(".")[1]), path, read_plain(path))


def _xtd10(source: Source) -> Iterator[Text]:
    for folder in XTD10:
        for path in sorted((source.root / "image_text" / "xtd10" / folder).glob("test_1kcaptions_*.txt")):
            yield Text("xtd10", normalise(path.stem.rpartition("_")[2]), path, read_plain(path))


def _panx(source: Source) -> Iterator[Text]:
    """PAN-X's training sentences, words joined by spaces."""
    from harness.tasks.panx import LABELS

    for path in sorted((source.root / "panx").glob("train-*.tsv")):
        lines = tuple(" ".join(one.words) for one in read_tagged(path, LABELS))
        yield Text("panx", normalise(path.stem.partition("-")[2]), path, lines)


CORPORA: Mapping[str, Callable[[Source], Iterator[Text]]] = {
    OWN: _own,
    "flores200": _flores,
    "multi30k": _multi30k,
    "xtd10": _xtd10,
    "panx": _panx,
}
