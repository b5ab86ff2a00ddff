"""Free memory goes back to the system."""

import sys
from pathlib import Path

import pytest
import torch

from harness.train.memory import EVERY, give_back


def resident() -> int:
    """MiB."""
    (line,) = [line for line in Path("/proc/self/status").read_text("utf-8").splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) // 1024


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_holes_in_the_heap_are_given_back() -> None:
    # Blocks too small for a mapping of their own, every second one freed.
    blocks = [torch.ones(16_000) for _ in range(4000)]
    kept = blocks[::2]
    del blocks
    before = resident()
    give_back(1)
    between = resident()
    give_back(EVERY)
    assert before - between < 20, "only every so many steps"
    assert between - resident() > 60
    assert len(kept) == 2000
