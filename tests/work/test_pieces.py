"""Every job is in one piece; pieces are even; what shares a pass or a model is not torn apart."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.execute import Piece
from harness.plan import Job
from harness.protocols.tuning import model_key
from harness.work.bundle import Bundle, answer
from harness.work.pieces import cut, whole
from harness.work.workload import cost, workload

Planned = Callable[..., tuple[Job, ...]]


def _cut(jobs: tuple[Job, ...], workers: int, cache: Path) -> list[Piece]:
    def bundle(own: Mapping[int, Job], training: bool) -> Bundle:
        return Bundle(own, cache)

    return cut(jobs, workers, bundle, cache)


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_every_job_is_in_one_piece(planned: Planned, cache: Path, workers: int) -> None:
    jobs = planned("xnli,udpos,tatoeba,bucc2018", seeds=(1, 2), max_steps=2)
    pieces = _cut(jobs, workers, cache)
    assert sorted(item for piece in pieces for item in piece.items) == list(range(len(jobs)))
    for piece in pieces:
        assert set(piece.shared.jobs) == set(piece.items)


def test_more_workers_get_smaller_pieces(planned: Planned, cache: Path) -> None:
    jobs = planned("tatoeba,flores200")
    few, many = (_cut(jobs, workers, cache) for workers in (1, 4))
    assert len(few) < len(many)
    total = sum(piece.cost for piece in many)
    single = max(cost(job, trained=True) for job in jobs)
    assert max(piece.cost for piece in many) <= max(total / 16, single) * 1.01


def test_layers_of_a_language_stay_together(planned: Planned, cache: Path) -> None:
    jobs = planned("tatoeba,bucc2018", layer="all")
    for piece in _cut(jobs, 3, cache):
        own = [(jobs[item].task.name, jobs[item].language) for item in piece.items]
        assert all(own.count(one) == 2 for one in own)


def test_one_piece_trains_each_model_and_the_others_wait(planned: Planned, cache: Path) -> None:
    jobs = planned("xnli,udpos,xquad,mlqa", seeds=(1, 2), max_steps=2)
    pieces = _cut(jobs, 2, cache)
    keys = {model_key(job) for job in jobs}
    trainers = [piece for piece in pieces if piece.name]
    assert sorted(piece.name for piece in trainers) == sorted(keys)
    assert len(keys) == 3 * 2, "XQuAD and MLQA share a model"
    for piece in pieces:
        assert piece.after == "" if piece.name else {piece.after} == {model_key(jobs[item]) for item in piece.items}
        for job in piece.shared.jobs.values():
            assert job.training is not None
            assert bool(job.training.train) == bool(piece.name)
            assert model_key(job) in keys
    for key in keys:
        (cache / "models" / key).mkdir(parents=True)
    assert not any(piece.name or piece.after for piece in _cut(jobs, 2, cache))


def test_a_bundle_travels(planned: Planned, cache: Path) -> None:
    jobs = dict(enumerate(planned("xnli,tatoeba,mmlu")))
    found = pickle.loads(pickle.dumps(Bundle(jobs, cache, (), 3)))
    assert found.threads == 3
    assert found.cache == cache
    for number, job in jobs.items():
        other = found.jobs[number]
        assert other.task is job.task
        assert other.loaded == job.loaded
        assert (other.checkpoint, other.settings, other.folder) == (job.checkpoint, job.settings, job.folder)


def test_a_node_with_other_versions_is_refused(planned: Planned, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = pickle.dumps(Bundle(dict(enumerate(planned("tatoeba"))), cache))
    monkeypatch.setattr("harness.work.bundle.versions", lambda: {"torch": "0", "transformers": "0"} | _others())
    with pytest.raises(HarnessError, match=r"torch 0 instead of .*same versions on every node"):
        next(answer(pickle.loads(sent), [0], lambda label, done, total: None))


def _others() -> dict[str, str]:
    from harness.work.scoring import versions

    return {name: found for name, found in versions().items() if name not in ("torch", "transformers")}


def test_a_node_that_does_not_see_the_checkpoint_is_refused(planned: Planned, cache: Path) -> None:
    from dataclasses import replace

    job = planned("tatoeba")[0]
    lost = replace(job, checkpoint=replace(job.checkpoint, path=Path("/nowhere/ckpt")))
    with pytest.raises(HarnessError, match="does not see /nowhere/ckpt"):
        next(answer(Bundle({0: lost}, cache), [0], lambda label, done, total: None))


def test_one_process_takes_all_as_it_is(planned: Planned, cache: Path) -> None:
    jobs = planned("tatoeba,bucc2018")
    (piece,) = whole(jobs, lambda own, training: Bundle(own, cache))
    assert tuple(piece.shared.jobs.values()) == jobs
    assert whole((), lambda own, training: Bundle(own, cache)) == []


def test_work_is_counted(planned: Planned) -> None:
    mining = workload(planned("bucc2018", languages=("de",), split="validation")[0])
    assert (mining.sentences, mining.similarities) == (60 + 80, 60.0 * 80)
    retrieval = workload(planned("tatoeba", languages=("de",))[0])
    assert (retrieval.items, retrieval.sentences) == (60, 120)
    (short,), (long,) = (planned("xnli", languages=("fr",), max_steps=steps) for steps in (2, 20))
    assert workload(long).trained == pytest.approx(10 * workload(short).trained)
    assert workload(long, training=False).trained == 0
    (grid,) = planned("xnli", languages=("fr",), max_steps=2, grid={"learning_rate": (1e-5, 2e-5, 3e-5)})
    assert workload(grid).models == 3
    assert workload(grid).trained == pytest.approx(3 * workload(short).trained)
