"""The gate's statistics: verdicts by hand, variances against the bootstrap, errors of whole gates by simulation."""

import importlib.util
import sys
from math import inf
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from harness.metrics.gate import (
    BETTER,
    INCONCLUSIVE,
    SAME,
    WITHIN,
    WORSE,
    Effect,
    half_width,
    influences,
    judge,
    seed_variance,
    sign_flip_p,
    variance,
)  # fmt: skip
from harness.metrics.score import f1_of, mean_of


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    """benchmarks/gates.py, which runs the same worlds a thousand times."""
    path = Path(__file__).parents[2] / "benchmarks" / "gates.py"
    spec = importlib.util.spec_from_file_location("simulated_gates", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _noise(share: float, gates: int) -> float:
    return 2.6 * float(np.sqrt(share * (1 - share) / gates))


@pytest.mark.parametrize(
    ("effect", "verdict"),
    [
        (Effect(0.0, 0.0, identical=True), SAME),
        (Effect(-0.03, 0.002**2), WORSE),
        (Effect(0.03, 0.002**2), BETTER),
        (Effect(-0.005, 0.001**2), WITHIN),
        (Effect(0.0, 0.002**2), WITHIN),
        (Effect(-0.005, 0.02**2), INCONCLUSIVE),
        (Effect(-0.03, 0.02**2), INCONCLUSIVE),
        (Effect(-0.03, 0.002**2, seeds=0.0, freedom=0), INCONCLUSIVE),
        (Effect(-0.03, 0.002**2, seeds=0.012**2, freedom=2), INCONCLUSIVE),
        (Effect(-0.03, 0.002**2, seeds=0.001**2, freedom=2), WORSE),
    ],
)
def test_verdicts(effect: Effect, verdict: str) -> None:
    assert judge([effect], 0.01)[0].verdict == verdict


def test_a_drop_must_stand_up_to_the_whole_family() -> None:
    """z = 2.2: found alone, not among nine."""
    drop, still = Effect(-0.022, 0.01**2), Effect(0.0, 0.001**2)
    assert judge([drop], 0.01)[0].verdict == WORSE
    assert judge([drop, *[still] * 8], 0.01)[0].verdict == INCONCLUSIVE


def test_a_bound_is_exact_where_one_part_is_alone() -> None:
    assert half_width(Effect(0, 0.01**2), 0.05) == pytest.approx(0.0164485, abs=1e-6)
    assert half_width(Effect(0, 0.0, 0.01**2, 2), 0.05) == pytest.approx(0.0291999, abs=1e-6)
    both = half_width(Effect(0, 0.01**2, 0.01**2, 2), 0.05)
    assert both == pytest.approx(np.hypot(0.0164485, 0.0291999), abs=1e-6)


def test_p_and_bound_tell_the_same() -> None:
    for seeds, freedom in ((0.0, inf), (0.008**2, 2)):
        effect = Effect(-0.02, 0.006**2, seeds, freedom)
        (judged,) = judge([effect], 0.0)
        assert judged.p is not None
        assert half_width(effect, judged.p) == pytest.approx(0.02, rel=1e-6)


def test_the_detectable_drop_is_found_nine_times_in_ten() -> None:
    effects = [Effect(0.0, 0.007**2)] * 9
    detectable = judge(effects, 0.001)[0].detectable
    assert detectable is not None
    drawn = np.random.default_rng(0).normal(-detectable, 0.007, 2000)
    found = [judge([Effect(float(one), 0.007**2), *effects[1:]], 0.001)[0].verdict == WORSE for one in drawn]
    assert np.mean(found) == pytest.approx(0.9, abs=_noise(0.9, 2000))


@pytest.mark.parametrize("value", [mean_of, f1_of])
def test_influences_give_the_bootstraps_variance(value) -> None:  # type: ignore[no-untyped-def]
    generator = np.random.default_rng(1)
    statistics = np.column_stack([generator.integers(0, 3, 500), np.full(500, 3), generator.integers(2, 5, 500)])
    statistics = statistics[:, :2] if value is mean_of else statistics
    own = influences(value, statistics.astype(np.float64))
    drawn = generator.multinomial(500, np.full(500, 1 / 500), 4000) @ statistics
    assert own.sum() == pytest.approx(0, abs=1e-6)
    assert variance(own) == pytest.approx(value(drawn.astype(np.float64)).var(), rel=0.1)


def test_seed_variance_by_hand() -> None:
    assert seed_variance([0.5], [0.6]) == (0.0, 0)
    found, freedom = seed_variance([0.50, 0.52, 0.54], [0.6])
    assert freedom == 2
    assert found == pytest.approx(0.0004 * (1 / 3 + 1))
    found, freedom = seed_variance([0.50, 0.52], [0.6, 0.64])
    assert freedom == 2
    assert found == pytest.approx((0.0002 + 0.0008) / 2)


def test_few_differing_items_are_a_coin() -> None:
    assert sign_flip_p(np.zeros(100)) == 1.0
    assert sign_flip_p(np.array([-1.0] * 6 + [0.0] * 94)) == pytest.approx(1 / 64, abs=0.004)
    assert sign_flip_p(np.array([-1.0, 1.0])) == pytest.approx(0.75, abs=0.02)
    assert sign_flip_p(np.ones(40)) is None


@pytest.mark.parametrize(("seeds", "deviation"), [(0, 0.0), (3, 0.0), (3, 0.5), (3, 1.0)])
def test_no_change_fails_at_most_five_percent_of_gates(simulation: ModuleType, seeds: int, deviation: float) -> None:
    world = simulation.World(seeds=seeds, deviation=deviation)
    assert simulation.gates(world, 150)["failed"] <= 0.05 + _noise(0.05, 150)


def test_no_change_passes_where_there_are_items_enough(simulation: ModuleType) -> None:
    """Tolerance 3 points, so that what 2,000 items can show is enough."""
    found = simulation.gates(simulation.World(tolerance=3.5), 60)
    assert found["passed"] > 0.9
    assert found["failed"] <= 0.05


def test_a_drop_of_three_points_is_found(simulation: ModuleType) -> None:
    found = simulation.gates(simulation.World(drop=3.0), 150)["found"]
    assert found >= 0.9 - _noise(0.9, 150)


def test_the_interval_of_a_macro_average_covers(simulation: ModuleType) -> None:
    """Where lm-eval's pooled formula does not: the small language weighs as much as the large one."""
    found = simulation.coverage((1000, 50), (0.9, 0.5), 150)
    assert abs(found["ours"] - 0.95) <= _noise(0.95, 150) + 0.01
    assert found["pooled"] < 0.6
    assert found["ratio"] > 2.5
