"""Windows, targets and answers against loops that follow the published rules literally."""

import numpy as np
import pytest

from harness.examples import Span
from harness.heads.head import Encoding, collate
from harness.heads.ragged import Ragged, bounds_of
from harness.heads.span import HEAD, centred, cut
from harness.heads.span_answer import decode
from harness.heads.tokeniser import tokenise_with_offsets, wrap


def windows_one_by_one(length, room, step):
    found, start = [], 0
    while True:
        found.append((start, min(room, length - start)))
        if start + room >= length:
            return found
        start += step


def test_windows_start_every_128_tokens() -> None:
    for length in (0, 1, 299, 300, 301, 427, 428, 429, 1000):
        found = cut(np.array([length]), np.array([300]))
        assert list(zip(found.first.tolist(), found.count.tolist(), strict=True)) == windows_one_by_one(
            length, 300, 128
        )


def test_narrow_windows_overlap_by_half() -> None:
    found = cut(np.array([100, 7]), np.array([30, 9]))
    expected = [(0, *one) for one in windows_one_by_one(100, 30, 15)] + [(1, 0, 7)]
    assert list(zip(found.example.tolist(), found.first.tolist(), found.count.tolist(), strict=True)) == expected


def test_the_centred_window_of_a_token_is_the_first_with_most_context() -> None:
    lengths, room = np.array([700, 20, 433]), np.array([300, 300, 310])
    found = cut(lengths, room)
    result = iter(centred(found, lengths).tolist())
    for example in range(3):
        spans = windows_one_by_one(int(lengths[example]), int(room[example]), 128)
        for number, (first, count) in enumerate(spans):
            for token in range(first, first + count):
                scores = [
                    min(token - a, a + n - 1 - token) + 0.01 * n if a <= token < a + n else -1.0 for a, n in spans
                ]
                assert next(result) == (number == scores.index(max(scores)))


def brute_force(found, examples, logits):
    """Every pair of every window of every question."""
    answers = []
    for number, example in enumerate(examples):
        best, text = -np.inf, ""
        for row in np.flatnonzero(found.example == number):
            low, high = found.tokens.bounds[row : row + 2]
            starts = sorted(range(low, high), key=lambda at: -logits[at, 0])[:20]
            ends = sorted(range(low, high), key=lambda at: -logits[at, 1])[:20]
            for start in starts:
                for end in ends:
                    if found.columns["from"][start] < 0 or found.columns["from"][end] < 0:
                        continue
                    if not found.columns["centred"][start] or end < start or end - start + 1 > 30:
                        continue
                    score = float(logits[start, 0]) + float(logits[end, 1])
                    if score > best:
                        best = score
                        text = example.context[found.columns["from"][start] : found.columns["to"][end]].strip()
        answers.append(text)
    return answers


@pytest.mark.parametrize("length", [32, 64, 384])
def test_answers_are_those_of_brute_force(tokeniser, examples, length) -> None:
    found = HEAD.encode(examples["span"], Encoding(tokeniser, length))
    assert length == 384 or len(found.tokens) > len(examples["span"])
    assert length == 384 or (np.diff(found.example) == 0).any()
    logits = np.random.default_rng(length).normal(size=(len(found.tokens.values), 2)).astype(np.float32)
    answers = HEAD.decode(found, examples["span"], logits, ())
    assert answers == brute_force(found, examples["span"], logits)
    assert len(set(answers)) > 12


def test_tied_scores_give_an_answer_of_the_context(tokeniser, examples) -> None:
    found = HEAD.encode(examples["span"], Encoding(tokeniser, 64))
    logits = np.random.default_rng(0).integers(0, 3, (len(found.tokens.values), 2)).astype(np.float32)
    first, second = (HEAD.decode(found, examples["span"], logits, ()) for _ in range(2))
    assert first == second
    assert all(answer in one.context for answer, one in zip(first, examples["span"], strict=True))


def test_no_possible_pair_gives_the_empty_answer(tokeniser, examples) -> None:
    one = examples["span"][:1]
    found = HEAD.encode(one, Encoding(tokeniser, 64))
    logits = np.zeros((len(found.tokens.values), 2), np.float32)
    logits[:, 0] = np.where(found.columns["from"] < 0, 0, -np.arange(len(logits)) - 1)
    outside = type(found)(**{**vars(found), "columns": {**found.columns, "centred": np.zeros(len(logits), bool)}})
    assert decode(outside, one, logits, ()) == [""]
    assert decode(found, (), logits, ()) == []


def test_training_windows_show_the_answer_or_point_at_the_first_token(tokeniser, examples) -> None:
    for length in (48, 384):
        found = HEAD.encode(examples["span"], Encoding(tokeniser, length, training=True))
        seen = set()
        for row in range(len(found.tokens)):
            example = examples["span"][found.example[row]]
            start, end = (int(found.columns[name][row]) for name in ("start", "end"))
            low, high = found.tokens.bounds[row : row + 2]
            ids = found.tokens.values[low:high]
            if start == end == 0:
                assert length == 48
                continue
            seen.add(int(found.example[row]))
            assert tokeniser.tokenizer.decode(ids[start : end + 1]).strip() == example.answers[0]
        assert length == 48 or seen == set(range(len(examples["span"])))
        batch = collate(HEAD, found, range(4))
        assert batch["start"].shape == batch["end"].shape == (4,)


def sentencepiece(texts):
    """XLM-R's kind: pieces of white-space words, the first of each with its mark."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0), ("狐狸", -2.0)]
    pieces += [(letter, -3.0) for letter in sorted(set("".join(texts)) - {" "})]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return wrap(
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", eos_token="</s>"),
        types=False,
        positions=None,
    )


def test_an_answer_in_chinese_is_cut_from_within_its_white_space_word() -> None:
    context = "ab 敏捷的棕色狐狸跳过了懒狗。 ab"
    made = sentencepiece([context, "谁？"])
    assert len(made.pair.between) == 2
    example = Span("0", "谁？", context, ("狐狸",), (context.index("狐狸"),), "0")
    trained = HEAD.encode([example], Encoding(made, 384, training=True))
    asked = HEAD.encode([example], Encoding(made, 384))
    assert trained.tokens.values.tolist() == asked.tokens.values.tolist()
    logits = np.zeros((len(asked.tokens.values), 2), np.float32)
    logits[trained.columns["start"][0], 0] = logits[trained.columns["end"][0], 1] = 9
    assert HEAD.decode(asked, [example], logits, ()) == ["狐狸"]


def test_an_answer_that_is_not_in_the_context_is_not_trained_on(tokeniser) -> None:
    lost = Span("0", "Who?", "the fox", ("dog",), (-1,), "0")
    second = Span("1", "Who?", "the fox", ("dog", "fox"), (-1, 4), "1")
    found = HEAD.encode([lost, second], Encoding(tokeniser, 384, training=True))
    assert found.example.tolist() == [1]
    assert found.notes == {"answers not in their context": "1 of 2, not trained on"}
    assert HEAD.encode([lost, second], Encoding(tokeniser, 384)).example.tolist() == [0, 1]


def test_a_long_question_is_cut_to_64_tokens(tokeniser) -> None:
    example = Span("0", "fox " * 200, "the dog", ("dog",), (4,), "0")
    found = HEAD.encode([example], Encoding(tokeniser, 384))
    context = tokenise_with_offsets(tokeniser, ["the dog"])[0].lengths[0]
    assert found.tokens.lengths.tolist() == [64 + context + 3]


def test_an_empty_context_has_one_window(tokeniser) -> None:
    example = Span("0", "Who?", "", ("",), (0,), "0")
    found = HEAD.encode([example], Encoding(tokeniser, 384))
    assert HEAD.decode(found, [example], np.zeros((len(found.tokens.values), 2), np.float32), ()) == [""]


def test_padding_does_not_compete(tokeniser, examples) -> None:
    """The loss of a batch is the sum of its windows' own."""
    import torch

    from harness.heads.span import _terms

    found = HEAD.encode(examples["span"], Encoding(tokeniser, 384, training=True))
    logits = torch.randn(len(found.tokens.values), 2, generator=torch.Generator().manual_seed(0))
    whole = Ragged(logits.numpy(), found.tokens.bounds)
    parts = []
    for units in (range(6), *([unit] for unit in range(6))):
        batch = collate(HEAD, found, list(units))
        width = batch["input_ids"].shape[1]
        padded = torch.full((len(list(units)), width, 2), 50.0)
        for at, unit in enumerate(units):
            low, high = whole.bounds[unit : unit + 2]
            padded[at, : high - low] = logits[low:high]
        parts.append(_terms(padded, batch))
    assert parts[0][0].item() == pytest.approx(sum(part[0].item() for part in parts[1:]), rel=1e-5)
    assert int(parts[0][1]) == 6
    assert bounds_of([2, 3]).tolist() == [0, 2, 5]
