"""How a sentence-transformers folder makes a vector of a text: its pooling, normalisation, prompts and
length.

Version 6 writes other type names and another pooling file than version 2 did, and not every folder holds an
empty `2_Normalize`: modules are known by the last part of their dotted name (traps)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoint.json_file import read_list, read_object
from harness.checkpoint.weights import shapes_of
from harness.errors import HarnessError

NAMES = {
    "cls": "cls",
    "cls_token": "cls",
    "max": "max",
    "max_tokens": "max",
    "mean": "mean",
    "mean_tokens": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt_len",
    "weightedmean": "weighted_mean",
    "weightedmean_tokens": "weighted_mean",
    "lasttoken": "last",
}
FLAG = "pooling_mode_"
# Not in evaluation mode, or without effect on the vector.
IGNORED = ("Dropout",)
REMEDY = "Give the folder of its transformer, or save it with Transformer, Pooling, Dense, Normalize only."


@dataclass(frozen=True)
class SentenceModules:
    """`pooling` is one of mean, cls, max, last, mean_sqrt_len, weighted_mean; `prompts` name -> text put in
    front; `max_length` in tokens (None: the tokenizer's own); `transformer` the folder with config.json;
    `dense` the folders of dense layers in order. With `include_prompt` False the prompt's tokens are left out
    of the pooling; with `lower_case` the text is lower-cased before the tokenizer sees it."""

    pooling: str
    normalise: bool
    prompts: dict[str, str]
    default_prompt: str | None
    max_length: int | None
    transformer: Path
    dense: tuple[Path, ...]
    include_prompt: bool = True
    lower_case: bool = False


def is_sentence_folder(folder: Path) -> bool:
    """Whether modules.json builds sentence vectors: a Transformer, then a Pooling."""
    return (folder / "modules.json").is_file() and "Pooling" in [name for name, _ in modules(folder)]


def modules(folder: Path) -> list[tuple[str, Path]]:
    """(last part of the type's dotted name, folder) of each module of modules.json, in order."""
    path = folder / "modules.json"
    try:
        entries = sorted(read_list(path), key=lambda entry: int(entry["idx"]))
        types = [str(entry["type"]) for entry in entries]
        folders = [folder / str(entry["path"]) for entry in entries]
    except (KeyError, TypeError, ValueError) as error:
        raise HarnessError(f"{path}: a module lacks idx, path or type.", "Save the model again.") from error
    foreign = [name for name in types if not name.startswith("sentence_transformers.")]
    if foreign:
        raise HarnessError(f"{path}: {', '.join(foreign)} is code of its own, which is not run here.", REMEDY)
    return [(name.rpartition(".")[2], path) for name, path in zip(types, folders, strict=True)]


def read_sentence_modules(folder: Path) -> SentenceModules:
    """The modules of a folder; a HarnessError where it holds one that is not Transformer, Pooling, Dense,
    Normalize."""
    found = [(name, path) for name, path in modules(folder) if name not in IGNORED]
    names = [name for name, _ in found]
    count = names.count("Dense")
    normalise = names[-1] == "Normalize"
    if names != ["Transformer", "Pooling", *["Dense"] * count, *["Normalize"] * normalise]:
        raise HarnessError(f"{folder / 'modules.json'}: the modules {' > '.join(names)} are not supported.", REMEDY)
    transformer, pooling = found[0][1], found[1][1]
    mode, include_prompt = _pooling(pooling / "config.json")
    general = folder / "config_sentence_transformers.json"
    options = read_object(general) if general.is_file() else {}
    prompts = {str(name): str(text) for name, text in (options.get("prompts") or {}).items()}
    default = options.get("default_prompt_name")
    if default is not None and default not in prompts:
        raise HarnessError(f"{general}: default_prompt_name '{default}' is none of its prompts.", "Mend the file.")
    dense = tuple(path for name, path in found if name == "Dense")
    for path in dense:
        _check_dense(path)
    return SentenceModules(
        pooling=mode,
        normalise=normalise,
        prompts=prompts,
        default_prompt=default,
        max_length=_max_length(transformer),
        transformer=transformer,
        dense=dense,
        include_prompt=include_prompt,
        lower_case=_options(transformer).get("do_lower_case") is True,
    )


def _pooling(path: Path) -> tuple[str, bool]:
    """(mode, whether the prompt's tokens count), from either style of file."""
    if not path.is_file():
        raise HarnessError(f"modules.json names a Pooling, but {path} is missing.", "Copy or download it again.")
    options = read_object(path)
    if "pooling_mode" in options:
        stated = options["pooling_mode"]
        modes = [stated] if isinstance(stated, str) else list(stated)
    else:
        modes = [name.removeprefix(FLAG) for name, on in options.items() if name.startswith(FLAG) and on is True]
    unknown = [mode for mode in modes if mode not in NAMES]
    if len(modes) != 1 or unknown:
        raise HarnessError(f"{path}: pooling {' + '.join(modes) or 'of no kind'} is not supported.", REMEDY)
    return NAMES[modes[0]], bool(options.get("include_prompt", True))


def _options(folder: Path) -> dict[str, Any]:
    """The Transformer module's own file: sentence_bert_config.json, in old folders named after other
    models."""
    found = sorted(folder.glob("sentence_*_config.json"))
    return read_object(found[0]) if found else {}


def _max_length(transformer: Path) -> int | None:
    """Tokens, special ones included. Version 6 keeps the length in the tokenizer's configuration alone."""
    path = transformer / "tokenizer_config.json"
    tokenizer = read_object(path) if path.is_file() else {}
    for value in (_options(transformer).get("max_seq_length"), tokenizer.get("model_max_length")):
        # transformers writes 1e30 where a tokenizer states no length
        if isinstance(value, int | float) and 0 < value < 1_000_000:
            return int(value)
    return None


def _check_dense(folder: Path) -> None:
    """A Dense module without its weights would be random."""
    for name in ("config.json", "model.safetensors"):
        alternative = folder / "pytorch_model.bin"
        if not (folder / name).is_file() and not (name != "config.json" and alternative.is_file()):
            raise HarnessError(f"modules.json names a Dense, but {folder / name} is missing.", "Copy it again.")
    weights = folder / "model.safetensors"
    shapes_of(weights if weights.is_file() else folder / "pytorch_model.bin")
