"""How often does `harness check` fail, pass or shrug? 1,000 simulated gates of nine tasks for each of several worlds.

    python -m benchmarks.gates
    python -m benchmarks.gates --gates 200 --seeds 5 --parts gates

Each task has 2,000 paired items, of which two runs answer a stated share differently (the discordance); a retrained
run's accuracy moves by a seed deviation of so many points. The interval of a macro average over languages of 2,000 and
100 items is also checked, beside lm-eval's pooled formula."""

import argparse
import time
from dataclasses import dataclass

import numpy as np

from harness.metrics.accuracy import ACCURACY
from harness.metrics.bootstrap import score_average
from harness.metrics.gate import BETTER, INCONCLUSIVE, SAME, WITHIN, WORSE, judge
from harness.metrics.score import Item
from harness.report.check.effect import Measured, Number, measure
from harness.report.check.sheet import Sheet

TASKS, ITEMS, RIGHT = 9, 2000, 0.7
LEVEL, POWER = 0.05, 0.9
NUMBER = Number({"de": ACCURACY}, joint=False)


@dataclass(frozen=True)
class World:
    """What is simulated; deviations, drop and tolerance are in points, `seeds` of the baseline (0: same weights)."""

    discordance: float = 0.12
    deviation: float = 0.0
    seeds: int = 0
    drop: float = 0.0
    tolerance: float = 1.0
    items: int = ITEMS


def answers(generator: np.random.Generator, base: np.ndarray, share: float, drop: float) -> np.ndarray:
    """Answers that differ from `base` on `share` of the items, `drop` (a fraction) more of them to the wrong side."""
    draw = generator.random(len(base))
    lose, gain = (share + drop) / 2 / RIGHT, (share - drop) / 2 / (1 - RIGHT)
    return np.where(base, draw >= max(0.0, lose), draw < max(0.0, gain))


def sheet(right: np.ndarray, names: tuple[str, ...], weights: str, seed: int) -> Sheet:
    """One language of one run."""
    statistics = np.column_stack([right, np.ones(len(right))]).astype(np.float64)
    made = {"weights": weights, "task": 1, "data": "d", "settings": {}}
    place = ("c", "xnli", "transfer", "de", "test", seed)
    return Sheet(*place, "accuracy", float(right.mean()), made, names, names, statistics)


def one_task(generator: np.random.Generator, world: World, names: tuple[str, ...], drop: float) -> Measured:
    """A baseline's runs and a candidate, of which the first task may have dropped."""
    base = generator.random(world.items) < RIGHT
    if not world.seeds:
        other = answers(generator, base, world.discordance, drop)
        pair = sheet(base, names, "w", 1), sheet(other, names, "w", 1)
        return measure(NUMBER, {"de": {("c", 1): pair[0]}}, {"de": {("c", 1): pair[1]}}, None)
    # Two runs that each leave the common answers on a share x of the items differ on 2x(1 - x) of them.
    share = (1 - np.sqrt(1 - 2 * world.discordance)) / 2
    moves = generator.normal(0, world.deviation / 100, world.seeds + 1)
    runs = [answers(generator, base, share, -move) for move in moves[:-1]]
    candidate = sheet(answers(generator, base, share, drop - moves[-1]), names, "new", 1)
    baseline = {("c", seed): sheet(run, names, f"w{seed}", seed) for seed, run in enumerate(runs, 1)}
    return measure(NUMBER, {"de": baseline}, {"de": {("c", 1): candidate}}, None)


def gates(world: World, count: int, seed: int = 0) -> dict[str, float]:
    """Shares of whole gates: failed (some task worse), of those the dropped task; passed; cannot tell."""
    generator = np.random.default_rng([seed, 7])
    names = tuple(f"{at:05}" for at in range(world.items))
    failed = found = passed = 0
    for _ in range(count):
        drops = [world.drop / 100, *[0.0] * (TASKS - 1)]
        effects = [one_task(generator, world, names, drop).effect for drop in drops]
        verdicts = [one.verdict for one in judge(effects, world.tolerance / 100)]
        failed += WORSE in verdicts
        found += verdicts[0] == WORSE
        passed += set(verdicts) <= {SAME, WITHIN, BETTER}
        assert set(verdicts) <= {SAME, WITHIN, BETTER, WORSE, INCONCLUSIVE}
    return {"failed": failed / count, "found": found / count, "passed": passed / count}


def coverage(sizes: tuple[int, ...], rates: tuple[float, ...], count: int, seed: int = 0) -> dict[str, float]:
    """How often 95% intervals of a macro average hold the truth: ours, and the one from lm-eval's pooled error (which
    weighs the languages' variances by their sizes although the mean does not)."""
    generator = np.random.default_rng([seed, 8])
    truth, ours, pooled, widths = float(np.mean(rates)), 0, 0, []
    for _ in range(count):
        right = [generator.random(size) < rate for size, rate in zip(sizes, rates, strict=True)]
        items = {str(at): _items(one) for at, one in enumerate(right)}
        score = score_average(items, {code: [ACCURACY] for code in items}, joint=False)[0]
        variances = [one.var(ddof=1) for one in right]
        total = sum(sizes)
        pooled_variance = sum((size - 1) * one for size, one in zip(sizes, variances, strict=True)) / (
            total - len(sizes)
        )
        error = float(np.sqrt(pooled_variance / total))
        ours += score.low <= truth <= score.high
        pooled += abs(score.value - truth) <= 1.96 * error
        widths.append((score.high - score.low) / (2 * 1.96 * error))
    return {"ours": ours / count, "pooled": pooled / count, "ratio": float(np.mean(widths))}


def _items(right: np.ndarray) -> list[Item]:
    return [Item(str(at), 1, int(one), str(at)) for at, one in enumerate(right)]


def print_gates(count: int, seeds: int) -> bool:
    """A line per world; whether no change fails too often and the drop is found where seeds do not move a number."""
    print(f"{count} gates of {TASKS} tasks, {ITEMS} items each, discordance 12%, tolerance 1 point")
    print("mode          seed sd  drop  gates failed  drop found  gates passed")
    most, met = LEVEL + noise(LEVEL, count), True
    for own, deviation in ((0, 0.0), *((seeds, one) for one in (0.0, 0.5, 1.0))):
        for drop in (0.0, 3.0):
            found = gates(World(deviation=deviation, seeds=own, drop=drop), count)
            mode = f"retrained k={own}" if own else "same weights"
            shown = f"{found['found']:10.3f}" if drop else " " * 10
            print(f"{mode:13} {deviation:7.1f} {drop:5.1f} {found['failed']:13.3f}  {shown} {found['passed']:13.3f}")
            met &= found["failed"] <= most if not drop else bool(own) or found["found"] >= POWER
    print(f"goals: no change fails at most {most:.3f} of gates (5% and binomial noise); same weights find 90% of drops")
    return met


def print_coverage(count: int) -> bool:
    """A line per set of languages; whether our intervals hold the truth as often as they say."""
    start, met = time.perf_counter(), True
    for sizes, rates in (((2000, 100), (0.9, 0.5)), ((1000,) * 4, (0.8, 0.7, 0.6, 0.5))):
        found = coverage(sizes, rates, count)
        print(
            f"macro average over {sizes}, {count} times: our 95% interval covers {found['ours']:.3f}, "
            f"the pooled formula's {found['pooled']:.3f} (ours is {found['ratio']:.1f} times as wide)"
        )
        met &= abs(found["ours"] - 0.95) <= noise(0.95, count)
    print(f"coverage took {time.perf_counter() - start:.0f} s")
    return met


def noise(share: float, count: int) -> float:
    """Two standard errors of a share of `count` draws."""
    return float(2 * np.sqrt(share * (1 - share) / count))


def main() -> None:
    """Prints the tables and whether the goals were met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gates", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3, help="of the baseline, in retrained mode")
    parser.add_argument("--parts", default="gates,coverage")
    options = parser.parse_args()
    parts = options.parts.split(",")
    met = [print_gates(options.gates, options.seeds)] if "gates" in parts else []
    met += [print_coverage(options.gates)] if "coverage" in parts else []
    print("goals met" if all(met) else "a goal was missed")


if __name__ == "__main__":
    main()
