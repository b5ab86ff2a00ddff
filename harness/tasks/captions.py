"""Images' captions in several languages, and which images are held out from every training.

Of a set without a test split of its own, the fifth of the images whose ids have the smallest hashes is held out, so
that every recipe that reads captions leaves out the same ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.examples import Caption
from harness.languages import normalise
from harness.tasks.json_rows import fields, read_json_lines
from harness.tasks.plain_text import XTD10, read_plain
from harness.tasks.selection import PARTS
from harness.tasks.source import MissingDataError, Source, note_read, read_columns, read_lines

FOLDER = "image_text"
OWN, EMOJI, MULTI30K, XTD = "captions", "emoji", "multi30k", "xtd10"
HELD_PARTS = 5
TEXT = (".jsonl", ".tsv", ".txt", ".gz")
# Multi30k's own test split, whose captions are held out whatever their hash.
TEST = "test_2016_flickr"


@dataclass(frozen=True)
class Captioned:
    """The captions of one corpus that are wanted, image by image; `folder` is where its `features.npy` would be. Of all
    its images, whatever the languages, `held_out` are never trained on, and `dev` are for looking at a training."""

    corpus: str
    folder: Path
    paths: tuple[Path, ...]
    captions: tuple[Caption, ...]
    held_out: tuple[str, ...]
    dev: frozenset[str]

    @property
    def images(self) -> tuple[str, ...]:
        """Every image once, in order."""
        return tuple(dict.fromkeys(one.image for one in self.captions))


def read_captions(
    source: Source, names: Sequence[str] | None = None, languages: Sequence[str] | None = None
) -> list[Captioned]:
    """The corpora of these names (None: `image_text/captions.jsonl` where that is there, else Multi30k or XTD10 where
    they have a `features.npy`, else the emoji), captions in these languages (None: all). MissingDataError: there are
    none; HarnessError: an unknown corpus, a broken file."""
    unknown = [name for name in names or () if name not in CORPORA]
    if unknown:
        raise unknown_names("corpus of captions", unknown, CORPORA, f"There are {', '.join(CORPORA)}.")
    found = []
    for name in names or [_default(source)]:
        folder = source.root / FOLDER / ("" if name == OWN else name)
        one = _read(name, folder, _stamps(folder, name))
        note_read(one.paths)
        kept = tuple(each for each in one.captions if languages is None or each.language in languages)
        found += [replace(one, captions=kept)] if kept else []
    if not found:
        among = f" in {', '.join(languages)}" if languages else ""
        raise MissingDataError(
            f"no captions of {', '.join(names or [_default(source)])}{among} in {source.root / FOLDER}"
        )
    return found


def _default(source: Source) -> str:
    folder = source.root / FOLDER
    if (folder / "captions.jsonl").is_file():
        return OWN
    return next((name for name in (MULTI30K, XTD) if (folder / name / "features.npy").is_file()), EMOJI)


def first_images(captions: Sequence[Caption], limit: int | None) -> tuple[Caption, ...]:
    """All captions of the first `limit` images (None: of all)."""
    kept = set(list(dict.fromkeys(one.image for one in captions))[:limit])
    return tuple(one for one in captions if one.image in kept)


def order_of(image: str) -> int:
    """A number that follows from the image's id alone: which images are held out, and which are for selection."""
    return int.from_bytes(blake2b(image.encode(), digest_size=8).digest(), "big")


def _stamps(folder: Path, name: str) -> tuple[tuple[str, int, int], ...]:
    """When which of a corpus's files was written, and how large they are."""
    pattern = {OWN: "captions.jsonl", EMOJI: "names.tsv"}.get(name, "**/*.*")
    files = [path for path in sorted(folder.glob(pattern)) if path.suffix in TEXT]
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)


@lru_cache(maxsize=8)
def _read(name: str, folder: Path, stamps: tuple[tuple[str, int, int], ...]) -> Captioned:
    """The whole corpus; a survey asks for it once for every language, hence the cache, which `stamps` keeps true."""
    paths, captions = CORPORA[name](folder)
    return _parted(name, folder, tuple(paths), captions)


def _parted(name: str, folder: Path, paths: tuple[Path, ...], captions: Sequence[Caption]) -> Captioned:
    """Which images are held out, and the tenth of the others with the smallest hashes."""
    held = {one.image for one in captions if one.held} or _smallest({one.image for one in captions}, HELD_PARTS)
    free = {one.image for one in captions} - held
    dev = _smallest(free, PARTS) or set(sorted(free, key=order_of)[: len(free) // 2])
    marked = tuple(replace(one, held=one.image in held) for one in captions)
    return Captioned(
        name, folder, paths, marked, tuple(dict.fromkeys(one.image for one in marked if one.held)), frozenset(dev)
    )


def _smallest(images: set[str], parts: int) -> set[str]:
    return set(sorted(images, key=order_of)[: round(len(images) / parts)])


def _own(folder: Path) -> tuple[list[Path], list[Caption]]:
    """`captions.jsonl`: {"image": "img/0001.jpg", "lang": "de", "text": "..."}, several lines for an image."""
    path = folder / "captions.jsonl"
    found: dict[str, list[Caption]] = {}
    if not path.is_file():
        return [], []
    for number, row in read_json_lines(path):
        where = f"{path}, line {number}"
        values = fields(row, ("image", "lang", "text"), where)
        if not all(isinstance(one, str) and one.strip() for one in values):
            raise HarnessError(f"{where}: image, lang and text must be filled.", "Repair that line.")
        image, language, text = values
        found.setdefault(image, []).append(Caption(image, normalise(language), text.strip()))
    return [path], [one for each in found.values() for one in each]


def _emoji(folder: Path) -> tuple[list[Path], list[Caption]]:
    """Unicode's CLDR names of emoji: image, character, then a column for each language."""
    path = folder / "names.tsv"
    if not path.is_file():
        return [], []
    header = read_lines(path)[0].split("\t")
    rows = read_columns(path, len(header))[1:]
    codes = [normalise(code) for code in header[2:]]
    return [path], [
        Caption(f"{EMOJI}/{row[0]}", code, text.strip())
        for row in rows
        for code, text in zip(codes, row[2:], strict=True)
        if text.strip()
    ]


def _multi30k(folder: Path) -> tuple[list[Path], list[Caption]]:
    """Training and validation captions, and those of the test split of 2016, which are held out."""
    raw, found = folder / "task1" / "raw", []
    paths: list[Path] = []
    for split in ("train", "val", TEST):
        images = folder / "task1" / "image_splits" / f"{split}.txt"
        texts = {path.name.split(".")[-2]: path for path in sorted(raw.glob(f"{split}.*.gz"))}
        if images.is_file() and texts:
            names = [f"{MULTI30K}/{line.partition('#')[0].strip()}" for line in read_lines(images)]
            found += list(_parallel(names, texts, split == TEST))
            paths += [images, *texts.values()]
    return paths, found


def _xtd10(folder: Path) -> tuple[list[Path], list[Caption]]:
    """1,000 COCO images, one caption in each language. It is a test set: who trains on it cannot be scored on it."""
    images = folder / "XTD10" / "test_image_names.txt"
    texts = {
        path.stem.rpartition("_")[2]: path
        for part in XTD10
        for path in sorted((folder / part).glob("test_1kcaptions_*.txt"))
    }
    if not images.is_file() or not texts:
        return [], []
    names = [f"{XTD}/{line.strip()}" for line in read_lines(images)]
    return [images, *texts.values()], list(_parallel(names, texts, False))


def _parallel(images: Sequence[str], texts: Mapping[str, Path], held: bool) -> Iterator[Caption]:
    """Line i of every file is about image i."""
    columns = {normalise(code): read_plain(path) for code, path in texts.items()}
    for code, path in texts.items():
        if len(columns[normalise(code)]) != len(images):
            raise HarnessError(
                f"{path} has {len(columns[normalise(code)])} captions for {len(images)} images.",
                "Line i must be the caption of image i, and none may be blank: fetch the file again.",
            )
    for at, image in enumerate(images):
        for code, lines in columns.items():
            yield Caption(image, code, lines[at], held)


CORPORA: Mapping[str, Callable[[Path], tuple[list[Path], list[Caption]]]] = {
    OWN: _own,
    EMOJI: _emoji,
    MULTI30K: _multi30k,
    XTD: _xtd10,
}
