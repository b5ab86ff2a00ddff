"""A checkpoint's folder on this machine: a folder as it is, a hub id downloaded once and then read from the
cache.

huggingface_hub keeps the cache and obeys HF_HUB_OFFLINE, HF_HUB_CACHE, HF_ENDPOINT and HF_TOKEN. Safetensors
are preferred: pickles are fetched only where a repository holds nothing else."""

import re
from pathlib import Path

from harness.errors import HarnessError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")
TEXT = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja")
# Copies of the same weights in other formats or precisions.
COPIES = (
    "onnx/*",
    "openvino/*",
    "coreml/*",
    "original/*",
    "consolidated*",
    "*.fp16.*",
    "*.fp32.*",
    "*.bf16.*",
)


def is_hub_id(model: str) -> bool:
    """Whether a name has the form `org/name` or `org/name@revision`."""
    return HUB_ID.fullmatch(model) is not None


def download(model: str, code: bool = False) -> Path:
    """The local snapshot of `org/name[@revision]`; with `code`, Python files too. HarnessErrors say what
    stands in the way: no such repository or revision, no access, offline and not in the cache, no network."""
    repository, _, revision = model.partition("@")
    patterns = (*TEXT, "*.py") if code else TEXT
    folder = _snapshot(repository, revision, (*patterns, "*.safetensors"))
    if not any(folder.rglob("*.safetensors")):
        # The commit, not the branch: both halves must come from one state of the repository.
        _snapshot(repository, folder.name, (*patterns, "*.bin"))
    return folder


def _snapshot(repository: str, revision: str, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import errors, is_offline_mode, snapshot_download

    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=list(patterns),
                ignore_patterns=list(COPIES),
                local_files_only=is_offline_mode(),
            )
        )
    except errors.GatedRepoError as error:
        raise HarnessError(
            f"The model '{repository}' is gated.", f"Ask for access on the hub, then: {_login()}"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise HarnessError(
            f"'{repository}' is no local folder, and the hub has no such model (or you may not see it).",
            f"Check the name; for a private one: {_login()} `harness list models` prints names that work.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HarnessError(
            f"The model '{repository}' has no revision '{revision}'.",
            "Give a branch, a tag or a full commit hash.",
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        offline = is_offline_mode()
        raise _not_here(repository, revision, "" if offline else _reason(error.__cause__ or error)) from error
    except (_http_error(), errors.HFValidationError, OSError) as error:
        raise HarnessError(
            f"'{repository}' could not be downloaded: {_reason(error)}",
            "Try again later, or give a local folder.",
        ) from error


def _not_here(repository: str, revision: str, reason: str) -> HarnessError:
    """Neither on disk nor reachable; without a reason, because of HF_HUB_OFFLINE."""
    from huggingface_hub import constants

    what = f"'{repository}{f'@{revision}' if revision else ''}' is no local folder and not in the cache"
    if reason:
        return HarnessError(
            f"{what} ({constants.HF_HUB_CACHE}), and the hub cannot be reached: {reason}.",
            "Check the network (HF_ENDPOINT, proxies), or give a local folder.",
        )
    get = f"hf download {repository}" + (f" --revision {revision}" if revision else "")
    return HarnessError(
        f"{what} ({constants.HF_HUB_CACHE}), and HF_HUB_OFFLINE forbids a download.",
        f"Run this where there is a network: {get} (or unset HF_HUB_OFFLINE, or give a folder).",
    )


def _reason(error: BaseException) -> str:
    """The first line that says anything."""
    return next((line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _http_error() -> type[Exception]:
    """What a broken connection raises: the error of httpx or of its successor, as huggingface_hub uses."""
    from huggingface_hub.errors import HfHubHTTPError

    return next(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError")


def _login() -> str:
    return "hf auth login (or set HF_TOKEN)."
