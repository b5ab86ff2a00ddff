"""Which checkpoint a score belongs to: a hash of what defines it, wherever the folder lies and whatever lies
beside it.

Training state, README and time stamps do not count; neither do the few keys in which libraries note where and
by which version a file was written."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# Files that define a model beside its weights: configuration, tokenizer, pooling, prompts.
DEFINING = (
    "config.json",
    "generation_config.json",
    "adapter_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.json",
    "chat_template.jinja",
    "modules.json",
    "config_sentence_transformers.json",
)
DEFINING_SUFFIXES = (".model", ".tiktoken")
# Where a file was read from and who wrote it: differs between two copies of one model.
PROVENANCE = (
    "_name_or_path",
    "name_or_path",
    "base_model_name_or_path",
    "transformers_version",
    "peft_version",
    "__version__",
    "is_local",
    "local_files_only",
)


def defining_files(folder: Path, code: bool = False) -> tuple[Path, ...]:
    """The files of a folder, weights apart, that define its model; with `code`, its Python files too."""
    suffixes = (*DEFINING_SUFFIXES, ".py") if code else DEFINING_SUFFIXES
    found = [path for path in folder.iterdir() if path.name in DEFINING or path.suffix in suffixes]
    found += folder.glob("sentence_*_config.json")
    return tuple(sorted(path for path in found if path.is_file()))


def fingerprint(files: Mapping[str, Path]) -> str:
    """Hex SHA-256 over (name, content) of all files in the order of their names; a name is relative to the
    model."""
    names = sorted(files)
    with ThreadPoolExecutor(
        max_workers=4
    ) as pool:  # hashlib lets go of the interpreter: shards are hashed side by side
        digests = list(pool.map(lambda name: _digest(files[name]), names))
    whole = hashlib.sha256()
    for name, digest in zip(names, digests, strict=True):
        whole.update(name.encode() + b"\0" + digest)
    return whole.hexdigest()


def _digest(path: Path) -> bytes:
    if path.name.endswith("config.json") or path.name == "config_sentence_transformers.json":
        return hashlib.sha256(_definition(path)).digest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _definition(path: Path) -> bytes:
    """A configuration without notes of provenance, keys sorted; bytes as they are where it is no JSON."""
    raw = path.read_bytes()
    try:
        return json.dumps(_without_provenance(json.loads(raw)), sort_keys=True).encode()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return raw


def _without_provenance(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_provenance(item) for key, item in value.items() if key not in PROVENANCE}
    return [_without_provenance(item) for item in value] if isinstance(value, list) else value
