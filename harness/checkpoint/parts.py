"""Which folders a checkpoint is made of: where a name leads, and where its transformer, adapter and modules
lie."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from harness.checkpoint.adapter import Adapter, is_adapter, read_adapter
from harness.checkpoint.fingerprint import defining_files
from harness.checkpoint.hub import download, is_hub_id
from harness.checkpoint.sentence_modules import SentenceModules, is_sentence_folder, modules, read_sentence_modules
from harness.checkpoint.tokenizer_files import has_tokenizer
from harness.checkpoint.weights import SINGLE, Weights
from harness.checkpoint.zoo import ZooEntry, find_model, list_models
from harness.errors import HarnessError, nearest


@dataclass(frozen=True)
class Located:
    """A local folder, the name its results go under, and what the zoo knows about it."""

    folder: Path
    name: str
    entry: ZooEntry | None


@dataclass(frozen=True)
class Parts:
    """`folder` was given; `root` in it holds the transformer or the adapter, `model` the configuration and weights: the
    same folder, unless an adapter takes them from its base. `chain` is the folder with modules.json, if any."""

    folder: Path
    root: Path
    model: Path
    chain: Path | None
    sentence: SentenceModules | None
    adapter: Adapter | None

    @property
    def tokenizer(self) -> Path:
        """The folder with the tokenizer: an adapter's or a sentence-transformers folder's own wins over the
        base's."""
        return next((place for place in (self.root, self.folder) if has_tokenizer(place)), self.model)


def locate(model: str, code: bool = False) -> Located:
    """Where `--model` leads: a folder wins over a name of the zoo, that over a hub id. `code`: fetch Python
    files too."""
    folder = Path(model).expanduser()
    if model and folder.is_dir():
        return Located(folder.resolve(), folder.resolve().name, find_model(str(folder.resolve())))
    if model and folder.exists():
        raise HarnessError(f"{model} is a file.", "Give the folder that save_pretrained wrote.")
    entry = find_model(model)
    source = entry.source if entry else model
    if entry and entry.path is not None:
        if not entry.path.is_dir():
            raise HarnessError(f"The zoo's '{model}' is {entry.path}, which is missing.", "Make it, or mend the zoo.")
        return Located(entry.path.resolve(), entry.path.resolve().name, entry)
    if not is_hub_id(source):
        known = [one.name for one in list_models()]
        raise HarnessError(
            f"'{model}' is neither a folder, nor a name of the zoo, nor a hub id (org/name).",
            nearest(model, known) or "`harness list models` prints the zoo.",
        )
    return Located(download(source, code), source.partition("@")[0].replace("/", "__"), entry)


def read_parts(folder: Path, code: bool = False) -> Parts:
    """The folders behind one folder; an adapter's base is found on disk or downloaded."""
    chain = folder if is_sentence_folder(folder) else None
    sentence = read_sentence_modules(chain) if chain else None
    root = sentence.transformer if sentence else folder
    if not is_adapter(root):
        _refuse_training_state(root)
        return Parts(folder, root, root, chain, sentence, None)
    adapter = read_adapter(root)
    base = model = Path(adapter.base) if Path(adapter.base).is_dir() else _base(adapter, code)
    if is_sentence_folder(base):
        below = read_sentence_modules(base)
        chain, sentence, model = chain or base, sentence or below, below.transformer
    if is_adapter(model):
        raise HarnessError(f"{root} is an adapter on {base}, itself an adapter.", "Merge the first one into its base.")
    return Parts(folder, root, model, chain, replace(sentence, transformer=model) if sentence else None, adapter)


def defining(parts: Parts, weights: Weights, code: bool) -> dict[str, Path]:
    """Name -> file of all that makes up the model. Names are relative, so that the place does not count."""
    places = {parts.folder, parts.root, parts.model}
    files = list(weights.files)
    if parts.chain and parts.sentence:
        places |= {parts.chain, *(place for _, place in modules(parts.chain))}
        files += [place / name for place in parts.sentence.dense for name in SINGLE if (place / name).is_file()]
    if parts.adapter:
        files += parts.adapter.weights.files
    files += [path for place in places if place.is_dir() for path in defining_files(place, code)]
    return {_relative(path, parts): path for path in files}


def _relative(path: Path, parts: Parts) -> str:
    if path.is_relative_to(parts.folder):
        return path.relative_to(parts.folder).as_posix()
    return f"base/{os.path.relpath(path, parts.model)}"


def _base(adapter: Adapter, code: bool) -> Path:
    if not is_hub_id(adapter.base):
        raise HarnessError(
            f"{adapter.folder} is an adapter on '{adapter.base}', which is neither a folder nor a hub id.",
            "Put the base there, or correct base_model_name_or_path in adapter_config.json.",
        )
    return download(adapter.base, code)


def _refuse_training_state(folder: Path) -> None:
    """A folder of checkpoints is no checkpoint; say which ones it holds."""
    if (folder / "config.json").is_file():
        return
    inner = sorted(path.parent.name for path in folder.glob("*/*config.json") if _is_model(path))
    raise HarnessError(
        f"{folder} is no checkpoint: it has no config.json.",
        f"It holds {', '.join(inner[:5])}: name one of them." if inner else "Name what save_pretrained wrote.",
    )


def _is_model(path: Path) -> bool:
    return path.name in ("config.json", "adapter_config.json") and not path.parent.name[:1].isdigit()
