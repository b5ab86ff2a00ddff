"""How long contenders take, measured so that a busy machine disturbs all of them alike.

Contenders take turns; what counts is the median of each and, for a ratio, the median over rounds of the two runs of one
round. Processor seconds (all threads, waiting left out) are given beside wall seconds: where the two ratios differ, the
machine was busy."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Took:
    """Seconds of each round of one contender."""

    wall: list[float]
    processor: list[float]


def take_turns(contenders: Mapping[str, Callable[[], Any]], repeats: int, warm: bool = False) -> dict[str, Took]:
    """Run every contender once per round, in rounds that begin with another one each; a first round is not counted,
    and left out where everything is `warm` already."""
    took = {name: Took([], []) for name in contenders}
    names = list(contenders)
    for turn in range(1 if warm else 0, repeats + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            wall, processor = time.perf_counter(), time.process_time()
            contenders[name]()
            if turn:
                took[name].wall.append(time.perf_counter() - wall)
                took[name].processor.append(time.process_time() - processor)
    return took


def ratio(one: list[float], other: list[float]) -> float:
    """The median over rounds of one / other."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def print_table(took: Mapping[str, Took], base: str) -> None:
    """Medians of all contenders and how many times as long as `base` each takes."""
    print(f"{'':34}{'wall s':>9}{'min-max':>17}{'x':>7}{'processor s':>13}{'x':>7}")
    for name, of in took.items():
        spread = f"{min(of.wall):.3f}-{max(of.wall):.3f}"
        print(
            f"{name:34}{statistics.median(of.wall):9.3f}{spread:>17}{ratio(of.wall, took[base].wall):7.2f}"
            f"{statistics.median(of.processor):13.3f}{ratio(of.processor, took[base].processor):7.2f}"
        )
