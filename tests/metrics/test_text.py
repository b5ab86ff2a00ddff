"""BLEU, chrF and TER: sacrebleu's own numbers, signature, and its paired tests on the same sentences."""

import numpy as np
import pytest
import sacrebleu
from sacrebleu.significance import PairedTest

from harness.errors import HarnessError
from harness.metrics.bootstrap import resampled
from harness.metrics.paired import contrast, share_beyond, verdict
from harness.metrics.score import Item, evaluate
from harness.metrics.text import text_metric, text_signature

TEXT = "the a small big old red house dog cat tree sees finds eats near under over with without very often"
WORDS = tuple(TEXT.split())


def _sentences(count: int, noise: float, seed: int) -> list[str]:
    """References from one stream of draws, each word exchanged with probability `noise`."""
    generator, errors = np.random.default_rng(1), np.random.default_rng(seed)
    out = []
    for _ in range(count):
        words = [WORDS[at] for at in generator.integers(len(WORDS), size=generator.integers(8, 16))]
        out.append(" ".join(WORDS[errors.integers(len(WORDS))] if errors.random() < noise else one for one in words))
    return out


REFERENCES = _sentences(200, 0, 2)
A, B = _sentences(200, 0.30, 3), _sentences(200, 0.27, 4)


def _items(hypotheses: list[str]) -> list[Item]:
    pairs = zip(hypotheses, REFERENCES, strict=True)
    return [Item(str(at), reference, hypothesis, str(at)) for at, (hypothesis, reference) in enumerate(pairs)]


@pytest.mark.parametrize("name", ["chrf", "bleu", "ter"])
def test_the_score_is_sacrebleus(name: str) -> None:
    theirs = {"chrf": sacrebleu.CHRF, "bleu": sacrebleu.BLEU, "ter": sacrebleu.TER}[name]()
    expected = theirs.corpus_score(A, [REFERENCES]).score
    assert evaluate(text_metric(name), _items(A)) == pytest.approx(expected / 100, abs=1e-12)
    assert text_signature(name) == theirs.get_signature().format()


def test_two_references_are_both_used() -> None:
    items = [Item("0", ["a red house stands here now", "the dog eats"], "the dog eats", "0")]
    assert evaluate(text_metric("chrf"), items) == 1.0
    uneven = [*items, Item("1", ["x"], "x", "1")]
    with pytest.raises(HarnessError, match="different numbers of references"):
        evaluate(text_metric("chrf"), uneven)


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(HarnessError, match="no text metric 'comet'"):
        text_metric("comet")


@pytest.mark.parametrize("name", ["chrf", "bleu"])
def test_paired_tests_agree_with_sacrebleus(name: str) -> None:
    """Their draws are others than ours, so p agrees within Monte Carlo noise; by their own rule where it is theirs."""
    theirs = {"chrf": sacrebleu.CHRF, "bleu": sacrebleu.BLEU}[name]()
    systems = [("a", A), ("b", B)]
    _, bootstrap = PairedTest(systems, {name: theirs}, [REFERENCES], test_type="bs", n_samples=1000)()
    _, swaps = PairedTest(systems, {name: theirs}, [REFERENCES], test_type="ar", n_samples=1000)()
    key = next(one for one in bootstrap if one != "System")
    metric = text_metric(name)
    ours = contrast(metric, [(_items(A), _items(B))])
    said = verdict(ours)
    assert 100 * said.value_b == pytest.approx(bootstrap[key][1].score, abs=1e-9)
    assert said.p_randomisation == pytest.approx(swaps[key][1].p_value, abs=0.05)
    folded = np.abs(ours.resampled)
    by_their_rule = (1 + (folded - folded.mean() > abs(said.difference)).sum()) / 1001
    assert by_their_rule == pytest.approx(bootstrap[key][1].p_value, abs=0.04)
    assert said.p_bootstrap == share_beyond(ours.resampled - ours.resampled.mean(), said.difference)
    low, high = np.percentile(resampled(_items(B), [metric])[0], [2.5, 97.5])
    assert 100 * (high - low) / 2 == pytest.approx(bootstrap[key][1].ci, rel=0.1)
