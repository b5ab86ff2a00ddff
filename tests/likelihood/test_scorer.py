"""Log-probabilities: shared beginnings, whole prompts, batches and kept answers against one request at a time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.likelihood import scorer as module
from harness.likelihood.batches import Budget, Request, batches, cut
from harness.likelihood.language_model import LanguageModel
from harness.likelihood.scorer import Scorer

Made = Callable[[str], LanguageModel]


def _requests(seed: int = 0, longest: int = 300) -> list[Request]:
    """Two subjects with a long beginning, letters and longer answers, and a few requests of their own."""
    draw = np.random.default_rng(seed)
    stems = [tuple(map(int, draw.integers(3, 400, size))) for size in (longest, longest // 2)]
    out = []
    for number in range(18):
        stem = stems[number % 2] if number % 3 else ()
        context = (*stem, *map(int, draw.integers(3, 400, draw.integers(1, 40))))
        out += [Request(context, (letter,)) for letter in (10, 11, 12)]
        out.append(Request(context, tuple(map(int, draw.integers(3, 400, draw.integers(2, 9))))))
    return out


def _one_by_one(model: LanguageModel, requests: list[Request]) -> list[tuple[float, bool]]:
    """The whole table of logits of each request alone."""
    out = []
    for one in requests:
        if model.encoder_decoder:
            context = torch.tensor([one.context[-model.max_length :]])
            labels = torch.tensor([one.continuation])
            logits = model.module(input_ids=context, labels=labels).logits
        else:
            row = (one.context + one.continuation)[-(model.max_length + 1) :][:-1]
            logits = model.module(torch.tensor([row])).logits
        found = torch.log_softmax(logits[0, -len(one.continuation) :].double(), -1)
        tokens = torch.tensor(one.continuation)
        value = found.gather(1, tokens[:, None]).sum()
        out.append((float(value), bool((found.argmax(-1) == tokens).all())))
    return out


@pytest.mark.parametrize("family", ["llama", "gpt2", "bloom", "qwen3", "gemma2", "mistral", "t5", "bart"])
def test_every_way_of_batching_is_one_request_at_a_time(made: Made, family: str) -> None:
    model = made(family)
    requests = _requests()
    expected = _one_by_one(model, requests)
    shares = family in ("llama", "gpt2", "bloom", "qwen3")
    assert (model.whole == "") == shares, model.whole
    for sharing in (True, False):
        found = Scorer(model, sharing=sharing).log_likelihoods(requests)
        assert [value for value, _ in found] == pytest.approx([value for value, _ in expected], abs=1e-4)
        assert [greedy for _, greedy in found] == [greedy for _, greedy in expected]


def test_a_beginning_is_computed_once(made: Made) -> None:
    model = made("llama")
    planned = batches(_requests(), Budget(2048, 400, model.max_length))
    shared = [one for one in planned if one.prefix]
    assert len({one.prefix for one in shared}) == 2
    computed = sum(len(row.tokens) for one in planned for row in one.rows) + 300 + 150
    whole = sum(len(row.tokens) for one in batches(_requests(), Budget(2048, 400, 512, False)) for row in one.rows)
    assert computed < whole / 3


def test_letters_of_one_question_share_one_row(made: Made) -> None:
    planned = batches([Request((5, 6, 7), (letter,)) for letter in (10, 11, 12, 13)], Budget(2048, 400, 512))
    assert [len(one.rows) for one in planned] == [1]
    assert planned[0].requests == [0, 1, 2, 3]


def test_a_long_context_is_cut_on_the_left(made: Made) -> None:
    model = made("llama")
    long = Request(tuple(range(3, 303)) * 3, (10, 11))
    assert cut(long, model.max_length) == 902 - model.max_length - 1
    found = Scorer(model).log_likelihoods([long])
    assert found[0][0] == pytest.approx(_one_by_one(model, [long])[0][0], abs=1e-4)


def test_an_answer_longer_than_the_model_reads_is_refused(made: Made) -> None:
    with pytest.raises(HarnessError, match="longer than the 514 tokens"):
        Scorer(made("llama")).log_likelihoods([Request((1,), (5,) * 600)])


def test_small_budgets_change_nothing(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    model = made("llama")
    expected = Scorer(model).log_likelihoods(_requests())
    monkeypatch.setattr(module, "TOKENS", {"cpu": 64, "other": 64})
    found = Scorer(model).log_likelihoods(_requests())
    assert [value for value, _ in found] == pytest.approx([value for value, _ in expected], abs=1e-4)


def test_a_killed_run_goes_on_where_it_was(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = made("llama")
    monkeypatch.setattr(module, "TOKENS", {"cpu": 256, "other": 256})
    expected = Scorer(model).log_likelihoods(_requests())
    done: list[int] = []

    def killed(count: int, total: int) -> None:
        done.append(count)
        if len(done) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Scorer(model, tmp_path).log_likelihoods(_requests(), killed)
    path = next(tmp_path.iterdir())
    assert len(path.read_text().strip().splitlines()) == 3
    with path.open("a") as file:
        file.write('\n{"key": "cut sho')
    calls: list[int] = []
    real = module.causal.score

    def counting(inner, wanted):  # type: ignore[no-untyped-def]
        for batch in real(inner, wanted):
            calls.append(1)
            yield batch

    monkeypatch.setattr(module.causal, "score", counting)
    again = Scorer(model, tmp_path).log_likelihoods(_requests())
    # The very same numbers: batches are the same, and floats are kept digit by digit.
    assert again == expected
    lines = [line for line in path.read_text().splitlines() if line.startswith('{"key"')]
    assert len(calls) == len(lines) - 1 - 3
    assert Scorer(model, tmp_path).log_likelihoods(_requests()) == expected
    assert len(calls) == len(lines) - 1 - 3


def test_answers_of_one_model_are_never_given_for_another(made: Made, tmp_path: Path) -> None:
    first, second = made("llama"), made("gpt2")
    assert first.identity != second.identity
    Scorer(first, tmp_path).log_likelihoods(_requests())
    found = Scorer(second, tmp_path).log_likelihoods(_requests())
    assert found == Scorer(second).log_likelihoods(_requests())
    assert len(list(tmp_path.iterdir())) == 2
