"""Out of memory and numbers that are not finite: the step is made again, and said."""

import math
from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from harness.errors import HarnessError
from harness.train.loop import train

GPU = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
CPU = RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried …")


def small_memory(tiny, limit, error):
    def loss(model, batch):
        found = tiny.sum_loss(model, batch)
        if batch["input_ids"].numel() > limit:
            # after the forward pass, and in backward
            found[0].backward()
            raise error
        return found

    return loss


@pytest.mark.parametrize("error", [GPU, CPU])
def test_out_of_memory_halves_the_micro_batch_and_keeps_the_step(tiny, tmp_path, error):
    settings = replace(tiny.SETTINGS, micro_tokens=10**6)
    expected = train(tiny.make_problem(), settings, tmp_path).losses
    trained = train(tiny.make_problem(loss=small_memory(tiny, 40, error)), settings, tmp_path)
    assert trained.losses == pytest.approx(expected, rel=1e-4)
    assert 1 <= len(trained.notes) <= 3
    assert "out of memory" in trained.notes[0]
    assert "effective batch stays 9" in trained.notes[0]


def test_a_sentence_too_long_for_memory_is_told(tiny, tmp_path):
    with pytest.raises(HarnessError, match="single sentence of 12 tokens"):
        train(tiny.make_problem(loss=small_memory(tiny, 11, GPU)), tiny.SETTINGS, tmp_path)
    with pytest.raises(HarnessError, match="must not be split"):
        train(tiny.make_problem(loss=small_memory(tiny, 11, GPU), whole=True), tiny.SETTINGS, tmp_path)


def test_another_error_is_not_taken_for_memory(tiny, tmp_path):
    with pytest.raises(RuntimeError, match="shapes"):
        train(tiny.make_problem(loss=small_memory(tiny, 11, RuntimeError("shapes differ"))), tiny.SETTINGS, tmp_path)


def spoil_in_bfloat16(model, after):
    """From the n-th pass on, no finite number comes out under autocast."""
    passes = []

    def hook(module, inputs, output):
        passes.append(torch.is_autocast_enabled("cpu"))
        return output * float("nan") if passes[-1] and len(passes) > after else output

    model.classifier.register_forward_hook(hook)
    return passes


def test_a_loss_that_is_not_finite_goes_on_in_full_precision(tiny, tmp_path):
    problem = tiny.make_problem()
    passes = spoil_in_bfloat16(problem.model, 10)
    trained = train(problem, replace(tiny.SETTINGS, dtype="bfloat16"), tmp_path)
    turned = passes.index(False)
    assert 11 <= turned < 20
    assert passes == [True] * turned + [False] * (len(passes) - turned)
    assert len(trained.notes) == 1
    assert "not finite in bfloat16; float32 from there on" in trained.notes[0]
    assert all(map(math.isfinite, trained.losses))
    assert trained.losses[-1] < trained.losses[0] - 0.3


@pytest.fixture
def scaled(monkeypatch):
    """float16 and its scaler on the CPU, where Accelerate leaves both out."""

    def opened(settings):
        AcceleratorState._reset_state()
        accelerator = Accelerator(cpu=True, mixed_precision="fp16")
        accelerator.native_amp = True
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20)
        return accelerator

    monkeypatch.setattr("harness.train.loop.open_accelerator", opened)


def test_too_large_a_scale_skips_a_step_and_no_more(tiny, tmp_path, scaled):
    problem = tiny.make_problem()
    trained = train(problem, replace(tiny.SETTINGS, dtype="float16", epochs=8), tmp_path)
    assert trained.notes == ()
    # 2 ** 20 overflows for some steps, in which nothing is learnt
    assert trained.losses[0] == pytest.approx(1.6, abs=0.2)
    assert trained.losses[-1] < trained.losses[0] - 0.3


def test_a_loss_that_is_not_finite_gets_past_the_scaler(tiny, tmp_path, scaled):
    """The step is made again once; what is then not finite either is told."""
    calls = []

    def loss(model, batch):
        calls.append(1)
        total, count = tiny.sum_loss(model, batch)
        return total * (float("nan") if 40 < len(calls) < limit else 1.0), count

    for limit in (42, 10**9):
        calls.clear()
        settings = replace(tiny.SETTINGS, dtype="float16", micro_tokens=10**6)
        if limit == 42:
            notes = train(tiny.make_problem(loss=loss), replace(settings, epochs=8), tmp_path).notes
            assert len(notes) == 1
            assert "loss was not finite in float16" in notes[0]
        else:
            with pytest.raises(HarnessError, match="not finite in float32"):
                train(tiny.make_problem(loss=loss), replace(settings, epochs=8), tmp_path)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_not_finite_in_float32_stops(tiny, tmp_path, dtype):
    problem = tiny.make_problem()
    torch.nn.init.constant_(problem.model.classifier.weight, float("inf"))
    with pytest.raises(HarnessError, match="not finite in float32 at step 0"):
        train(problem, replace(tiny.SETTINGS, dtype=dtype), tmp_path)


def test_a_gradient_that_is_not_finite_stops(tiny, tmp_path):
    class Spoil(torch.autograd.Function):
        @staticmethod
        def forward(context, value):
            return value.clone()

        @staticmethod
        def backward(context, gradient):
            return gradient * float("nan")

    def loss(model, batch):
        total, count = tiny.sum_loss(model, batch)
        return Spoil.apply(total), count

    with pytest.raises(HarnessError, match="gradient is not finite in float32 at step 0"):
        train(tiny.make_problem(loss=loss), tiny.SETTINGS, tmp_path)


def test_a_batch_without_terms_changes_nothing_but_decay(tiny, tmp_path):
    def loss(model, batch):
        total, count = tiny.sum_loss(model, batch)
        return total * 0, count * 0

    problem = tiny.make_problem(loss=loss)
    before = problem.model.classifier.weight.clone()
    trained = train(problem, replace(tiny.SETTINGS, weight_decay=0.0), tmp_path)
    assert set(trained.losses) == {0.0}
    assert torch.equal(before, problem.model.classifier.weight)


def test_mixed_precision_holds_in_each_training_alone(tiny, tmp_path):
    """Accelerate keeps one precision for a process and marks models as prepared: a second training is no
    other."""
    problem = tiny.make_problem()
    for dtype in ("float32", "bfloat16", "float32", "bfloat16"):
        passes = spoil_in_bfloat16(problem.model, 10**6)
        train(problem, replace(tiny.SETTINGS, dtype=dtype, epochs=1), tmp_path)
        assert set(passes) == {dtype == "bfloat16"}
        passes.clear()
        problem.model(torch.zeros(1, 2, dtype=torch.long))
        assert passes == [False]
        assert problem.model.classifier.weight.dtype == torch.float32
