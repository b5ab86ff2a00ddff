"""Pseudo-log-likelihoods against masking one copy at a time, for a WordPiece and a SentencePiece tokenizer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import SENTENCES, make_config, opened

from harness.errors import HarnessError
from harness.likelihood import masked
from harness.likelihood.language_model import LanguageModel, open_language_model
from harness.likelihood.scorer import Scorer

PAIRS = [
    ("Der schnelle braune", " Fuchs springt"),
    ("Which animal jumps?\nAnswer:", " the lazy dog."),
    ("Which animal jumps?\nAnswer:", " foxes"),
    ("敏捷的棕色", "狐狸跳过了懒狗。"),
    ("", "Быстрая лиса"),
]


def _trained(kind: str) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    if kind == "bert":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer: Any = trainers.WordPieceTrainer(vocab_size=260, special_tokens=special, show_progress=False)
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=260, special_tokens=special, unk_token="[UNK]", show_progress=False
        )
    texts = [*SENTENCES, *(context + answer for context, answer in PAIRS)]
    tokenizer.train_from_iterator(texts, trainer)
    ids = [("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, mask_token="[MASK]", model_max_length=64, **names)
    assert not any(fast.unk_token_id in fast(text).input_ids for text in texts), "an all-UNK tokenizer"
    return fast


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], LanguageModel]:
    from transformers import BertForMaskedLM, XLMRobertaForMaskedLM

    folder = tmp_path_factory.mktemp("masked")
    made: dict[str, LanguageModel] = {}

    def make(kind: str) -> LanguageModel:
        if kind not in made:
            tokenizer = _trained(kind)
            family, cls = {"bert": ("bert", BertForMaskedLM), "unigram": ("xlm-roberta", XLMRobertaForMaskedLM)}[kind]
            torch.manual_seed(0)
            config = make_config(family, vocab_size=len(tokenizer), max_position_embeddings=66, pad_token_id=0)
            cls(config).save_pretrained(folder / kind)
            tokenizer.save_pretrained(folder / kind)
            made[kind] = open_language_model(opened(folder / kind), "float32", "cpu")
        return made[kind]

    return make


def _brute_force(model: LanguageModel, context: str, answer: str, masking: str) -> float:
    """One forward pass a token, the mask set by hand from the tokenizer's offsets."""
    encoded = model.tokenizer(context + answer, return_offsets_mapping=True)
    ids, offsets, words = encoded["input_ids"], encoded["offset_mapping"], encoded.word_ids()
    total = 0.0
    for at, (start, end) in enumerate(offsets):
        if words[at] is None or end <= len(context):
            continue
        row = list(ids)
        row[at] = model.tokenizer.mask_token_id
        alone = "\u4e00" <= (context + answer)[start:end].strip()[:1] <= "\u9fff"
        for later in range(at + 1, len(ids)):
            other = "\u4e00" <= (context + answer)[slice(*offsets[later])].strip()[:1] <= "\u9fff"
            if masking == "word-l2r" and words[later] == words[at] and not alone and not other:
                row[later] = model.tokenizer.mask_token_id
        logits = model.module(torch.tensor([row])).logits[0, at].double()
        total += float(torch.log_softmax(logits, -1)[ids[at]])
    return total


@pytest.mark.parametrize("masking", ["word-l2r", "salazar"])
@pytest.mark.parametrize("kind", ["bert", "unigram"])
def test_it_equals_brute_force_masking(model: Callable[[str], LanguageModel], kind: str, masking: str) -> None:
    found, cut = Scorer(model(kind)).pseudo_log_likelihoods(PAIRS, masking)
    expected = [_brute_force(model(kind), context, answer, masking) for context, answer in PAIRS]
    assert found == pytest.approx(expected, abs=1e-5)
    assert cut == 0


def test_later_pieces_of_a_word_are_masked_with_it(model: Callable[[str], LanguageModel]) -> None:
    masker = masked.Masker(model("bert").tokenizer, 64, "word-l2r")
    word = next(one for one in ("foxes", "springt", "Быстрая") if len(model("bert").tokenizer.tokenize(one)) > 1)
    (copies,), _ = masker.copies([("Answer:", f" {word}")])
    mask = model("bert").tokenizer.mask_token_id
    assert [copy.ids.count(mask) for copy, _ in copies] == list(range(len(copies), 0, -1))
    salazar = masked.Masker(model("bert").tokenizer, 64, "salazar")
    assert {copy.ids.count(mask) for copy, _ in salazar.copies([("Answer:", f" {word}")])[0][0]} == {1}


def test_a_script_without_spaces_counts_tokens(model: Callable[[str], LanguageModel]) -> None:
    masker = masked.Masker(model("unigram").tokenizer, 64, "word-l2r")
    (copies,), _ = masker.copies([PAIRS[3]])
    mask = model("unigram").tokenizer.mask_token_id
    assert {copy.ids.count(mask) for copy, _ in copies[:-1]} == {1}


def test_the_letter_cloze_is_one_pass(model: Callable[[str], LanguageModel], monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [("Is it dog or fox?\nAnswer:", f" {letter}") for letter in ("d", "f", "l", "b")]
    seen: list[int] = []
    real = masked.score

    def counting(module: Any, padding: int, wanted: Any) -> Any:
        wanted = list(wanted)
        seen.extend(len(batch.copies) for batch in wanted)
        return real(module, padding, wanted)

    monkeypatch.setattr(masked, "score", counting)
    found, _ = Scorer(model("bert")).pseudo_log_likelihoods(pairs, "word-l2r")
    assert seen == [1]
    assert found == pytest.approx([_brute_force(model("bert"), *pair, "word-l2r") for pair in pairs], abs=1e-5)


def test_long_contexts_are_cut_on_the_left_and_long_answers_refused(model: Callable[[str], LanguageModel]) -> None:
    long = " ".join(["dog"] * 100)
    found, cut = Scorer(model("bert")).pseudo_log_likelihoods([(long, " fox"), ("dog", " fox")], "salazar")
    assert cut == 1
    room = model("bert").max_length - 2
    kept = model("bert").tokenizer.decode(model("bert").tokenizer(f"{long} fox").input_ids[1:-1][-room:-1])
    assert found[0] == pytest.approx(_brute_force(model("bert"), kept, " fox", "salazar"), abs=1e-4)
    with pytest.raises(HarnessError, match="longer than"):
        Scorer(model("bert")).pseudo_log_likelihoods([("dog", f" {long}")], "salazar")


def test_answers_are_kept(
    model: Callable[[str], LanguageModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Scorer(model("bert"), tmp_path).pseudo_log_likelihoods(PAIRS, "word-l2r")
    monkeypatch.setattr(masked, "logits_at", lambda *given, **named: pytest.fail("computed again"))
    assert Scorer(model("bert"), tmp_path).pseudo_log_likelihoods(PAIRS, "word-l2r") == first
