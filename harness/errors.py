"""What a user is told when something is wrong: one sentence on the problem, one on the remedy."""

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """A mistake the user can mend. The command line prints it without a traceback and exits with 2."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem.rstrip()
        self.remedy = remedy.rstrip()
        super().__init__(f"{self.problem} {self.remedy}".rstrip())


def missing_package(module: str, install: str) -> HarnessError:
    """The error for an optional package that is not installed, with its own install line."""
    return HarnessError(f"The package '{module}' is not installed.", f"Install it with: pip install {install}")


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """A did-you-mean phrase, or the empty string when nothing is close."""
    close = difflib.get_close_matches(name.lower(), list(known), n=count, cutoff=0.6)
    return f"Did you mean {' or '.join(close)}?" if close else ""


def unknown_names(kind: str, names: Iterable[str], known: Iterable[str], listing: str) -> HarnessError:
    """One error for all unknown names of a list, each with its nearest known names."""
    known = list(known)
    parts = [f"'{name}'" + (f" ({hint})" if (hint := nearest(name, known)) else "") for name in names]
    return HarnessError(f"Unknown {kind}: {', '.join(parts)}.", listing)
