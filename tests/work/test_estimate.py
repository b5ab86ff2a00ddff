"""A dry run's expectations: they follow the work that is counted, and leave out what is there already."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from harness.plan import Job
from harness.protocols.tuning import model_key
from harness.report.console_estimate import duration, print_estimates, size
from harness.work import estimate as estimates
from harness.work.calibrate import Rates, calibrate
from harness.work.estimate import estimate

Planned = Callable[..., tuple[Job, ...]]
RATES = Rates(load=1.0, token=1e-3, tokens_per_counted=1.0, peak=2**30, weights=1000, trained_token=1e-2, step=0.5)
QUIET = lambda label, done, total: None  # noqa: E731


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "calibrate", lambda jobs: RATES)


def test_a_calibration_measures(planned: Planned) -> None:
    found = calibrate(planned("xnli,tatoeba", max_steps=2))
    assert min(found.load, found.token, found.trained_token, found.step) > 0
    assert 0.1 < found.tokens_per_counted < 10
    assert found.peak > 2**26
    assert found.weights > 4 * 400 * 32
    assert calibrate(planned("tatoeba")).trained_token == 0


def test_a_model_is_trained_once_and_not_where_it_is_kept(planned: Planned, cache: Path, rates: None) -> None:
    jobs = planned("xnli", languages=("fr", "ru"), max_steps=4)
    (row,) = estimate(jobs, cache, QUIET)
    (one,) = estimate(jobs[:1], cache, QUIET)
    assert row.languages == ("fr", "ru")
    assert row.training == one.training > 4 * RATES.step
    assert row.seconds > one.seconds > row.training
    (cache / "models" / model_key(jobs[0])).mkdir(parents=True)
    (kept,) = estimate(jobs, cache, QUIET)
    assert kept.training == 0
    assert kept.seconds == pytest.approx(row.seconds - row.training)
    assert row.disk - kept.disk == RATES.weights


def test_layers_share_a_pass(planned: Planned, cache: Path, rates: None) -> None:
    rows = estimate(planned("tatoeba", languages=("de",), layer="all"), cache, QUIET)
    (last,) = estimate(planned("tatoeba", languages=("de",), layer=2), cache, QUIET)
    assert len(rows) == 2
    assert rows[0].seconds == pytest.approx(last.seconds)
    assert rows[1].seconds < 0.1


def test_twice_the_data_twice_the_time(planned: Planned, cache: Path, rates: None) -> None:
    (job,) = planned("tatoeba", languages=("de",))
    assert isinstance(job.loaded.examples, tuple)
    twice = replace(job, loaded=replace(job.loaded, examples=job.loaded.examples * 2))  # type: ignore[arg-type]
    (one,), (two,) = estimate([job], cache, QUIET), estimate([twice], cache, QUIET)
    assert two.seconds - RATES.load == pytest.approx(2 * (one.seconds - RATES.load), rel=0.02)


def test_it_is_printed(planned: Planned, cache: Path, rates: None) -> None:
    console = Console(width=200, record=True, quiet=False, file=StringIO())
    print_estimates(estimate(planned("xnli,tatoeba", languages=("fr",)), cache, QUIET), 2, console)
    text = console.export_text()
    assert "xnli" in text
    assert "1.0 GiB" in text
    assert "2 workers alike" in text
    print_estimates((), 1, console)
    assert "already" in console.export_text()


def test_units() -> None:
    assert [duration(value) for value in (3.21, 240, 18_360)] == ["3.2 s", "4 min", "5.1 h"]
    assert [size(value) for value in (2048, 3 * 2**20, 3.4 * 2**30)] == ["2 KiB", "3.0 MiB", "3.4 GiB"]
