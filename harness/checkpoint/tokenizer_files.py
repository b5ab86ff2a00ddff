"""Which tokenizer lies in a folder, and the highest id it can give, from its files alone."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoint.json_file import INCOMPLETE, read_object
from harness.errors import HarnessError

VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "tekken.json")
SENTENCEPIECE = "*.model"
# These read bytes or characters and have no vocabulary file.
WITHOUT_FILES = ("ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer")
# A text model may share its tokenizer with a multimodal one: ids of placeholders then lie beyond the
# embedding (Gemma 3 1B: <image_soft_token>), and no text gives them.
PLACEHOLDER = re.compile(r"<.*(image|audio|video|vision).*>")


@dataclass(frozen=True)
class HighestId:
    """The highest id and its token's text ("" where the file does not say)."""

    id: int
    token: str


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder holds a tokenizer's vocabulary, or names a tokenizer that needs none."""
    if any((folder / name).is_file() for name in VOCABULARIES) or any(folder.glob(SENTENCEPIECE)):
        return True
    path = folder / "tokenizer_config.json"
    return path.is_file() and read_object(path).get("tokenizer_class") in WITHOUT_FILES


def check_tokenizer(folder: Path, rows: int) -> None:
    """Refuse a folder without a tokenizer, and a tokenizer with ids beyond the `rows` of the embedding."""
    if not has_tokenizer(folder):
        raise HarnessError(
            f"{folder} has no tokenizer (none of {', '.join(VOCABULARIES[:3])}, {SENTENCEPIECE}).",
            f"Save it there: tokenizer.save_pretrained('{folder}').",
        )
    highest = highest_id(folder)
    if highest is not None and highest.id >= rows > 0:
        token = f" ('{highest.token}')" if highest.token else ""
        raise HarnessError(
            f"{folder}: the tokenizer is bigger than the embedding: its ids go up to {highest.id}{token}, "
            f"the embedding has {rows} rows.",
            "Save the tokenizer it was trained with, or call model.resize_token_embeddings before saving.",
        )


def highest_id(folder: Path) -> HighestId | None:
    """The highest id that text can give, added tokens included; None where no file says (bytes, own code)."""
    try:
        ids = {**_vocabulary(folder), **_added(folder)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HarnessError(f"{folder}: the tokenizer's files cannot be understood.", INCOMPLETE) from error
    text = {number: token for number, token in ids.items() if not PLACEHOLDER.fullmatch(token)}
    return HighestId(max(text), text[max(text)]) if text else None


def _vocabulary(folder: Path) -> dict[int, str]:
    """Id -> token of the first vocabulary file that transformers would read."""
    if (folder / "tokenizer.json").is_file():
        data = read_object(folder / "tokenizer.json")
        vocabulary = data["model"].get("vocab", {})
        added = {int(one["id"]): str(one["content"]) for one in data.get("added_tokens") or ()}
        return _numbered(vocabulary) | added
    if (folder / "vocab.txt").is_file():
        return dict(enumerate((folder / "vocab.txt").read_text("utf-8").splitlines()))
    if (folder / "vocab.json").is_file():
        return _numbered(read_object(folder / "vocab.json"))
    return _sentencepiece(folder)


def _numbered(vocabulary: Any) -> dict[int, str]:
    """BPE and WordPiece map token -> id; Unigram lists (token, score) in the order of ids."""
    if isinstance(vocabulary, dict):
        return {int(number): str(token) for token, number in vocabulary.items()}
    return {number: str(entry[0]) for number, entry in enumerate(vocabulary)}


def _sentencepiece(folder: Path) -> dict[int, str]:
    """The pieces' own numbers: a lower bound, since some tokenizers shift them by one (XLM-R)."""
    found = sorted(folder.glob(SENTENCEPIECE))
    if not found:
        return {}
    from sentencepiece import SentencePieceProcessor

    try:
        pieces = SentencePieceProcessor(model_file=str(found[0]))
    except (RuntimeError, OSError) as error:
        raise HarnessError(f"{found[0]} is no sentencepiece model.", INCOMPLETE) from error
    return {len(pieces) - 1: str(pieces.id_to_piece(len(pieces) - 1))}


def _added(folder: Path) -> dict[int, str]:
    """Id -> token of tokens added after training: added_tokens.json and tokenizer_config.json."""
    found: dict[int, str] = {}
    if (folder / "added_tokens.json").is_file():
        found |= {int(number): str(token) for token, number in read_object(folder / "added_tokens.json").items()}
    if (folder / "tokenizer_config.json").is_file():
        decoder = read_object(folder / "tokenizer_config.json").get("added_tokens_decoder") or {}
        found |= {int(number): str(entry["content"]) for number, entry in decoder.items()}
    return found
