"""Does a code name one language, in the form that results hold? Tasks whose files may come in any language
accept it; a language without a file is skipped with a reason when it is loaded."""

from harness.errors import HarnessError
from harness.languages import normalise


def any_language(code: str) -> bool:
    """True for the shortest BCP-47 code of a known language; False for a pair such as `de-en`."""
    try:
        return normalise(code) == code
    except HarnessError:
        return False
