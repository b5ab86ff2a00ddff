"""Bitext mining of any size: text or vectors in, pairs in descending order of score out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.mining.forecast import Estimate
    from harness.mining.run import Mined
    from harness.plan import Progress


def mine(
    *,
    progress: "Progress" = lambda label, done, total: None,
    told: Callable[[str], None] = lambda text: None,
    **flags: Any,
) -> "Mined":
    """Mines translation pairs; `flags` are named as those of `harness mine` (source, target, model, output, ...).
    HarnessError for wrong input, before any compute."""
    from harness.mining.request import request_from
    from harness.mining.run import run

    return run(request_from(**flags), progress, told)


def estimate(*, progress: "Progress" = lambda label, done, total: None, **flags: Any) -> "Estimate":
    """What `mine` with these flags would take: time, memory and disk, from a calibration of some seconds here."""
    from harness.mining.forecast import estimate_run
    from harness.mining.request import request_from

    return estimate_run(request_from(**flags), progress)
