"""A sentence's vector is the same bytes alone, in any batch and in any order; and it is the published one."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models as tiny
import torch

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.errors import HarnessError
from harness.retrieval.embed import batches, embed, embed_batches, token_statistics, tokenise
from harness.retrieval.encoder import Encoder, EncoderSettings, load_encoder
from harness.retrieval.tower import quiet

SENTENCES = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "A",
    "Yes.",
    "He drove to the stadium.",
    "Ein Satz auf Deutsch mit einigen längeren Wörtern, die der Tokenizer zerlegt.",
    "No.",
    "Le temps est magnifique aujourd'hui, et nous irons nous promener dans la forêt avec les enfants.",
    "天気がいいですね。",
    "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen. " * 3,
]
# Attention heads of 16 dimensions; see test_heads_of_8 for the one size that is not bit-equal.
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},
    "xlm-roberta": {},
    "modernbert": {},
    "llama": {"tokenizer": "decoder"},
    "t5": {"tokenizer": "seq2seq"},
}


@pytest.fixture(scope="module")
def checkpoint(minilm: Path) -> Checkpoint:
    return open_checkpoint(str(minilm))


@pytest.fixture(scope="module")
def encoder(checkpoint: Checkpoint) -> Encoder:
    return load_encoder(checkpoint, EncoderSettings())


def words(seed: int) -> list[str]:
    """Sentences of every length from 1 word to 20, short ones often."""
    rng = np.random.default_rng(seed)
    vocabulary = " ".join(SENTENCES).split()
    lengths = [*range(1, 21), *rng.integers(1, 8, size=20)]
    return [" ".join(rng.choice(vocabulary, size=length)) for length in lengths]


def assert_batches_do_not_matter(encoder: Encoder, sentences: list[str], tolerance: float = 0.0) -> None:
    together = embed(encoder, sentences, deduplicate=False)
    alone = embed(encoder, sentences, token_budget=1)
    back = embed(encoder, sentences[::-1], token_budget=100)[::-1]
    single = np.concatenate([embed(encoder, [one]) for one in sentences[:3]])
    for other in (alone, back, np.concatenate([single, together[3:]])):
        assert np.abs(together - other).max() <= tolerance


def test_batches_do_not_matter_for_minilm(encoder: Encoder) -> None:
    assert_batches_do_not_matter(encoder, SENTENCES + words(0)[::2])


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_do_not_matter_for_any_architecture(family: str, tmp_path: Path) -> None:
    with quiet():
        tiny.save_model(tmp_path / family, family, layers=2, width=64, **FAMILIES[family])
    small = load_encoder(open_checkpoint(str(tmp_path / family)), EncoderSettings(layer=2))
    assert_batches_do_not_matter(small, words(1))


def test_heads_of_8_are_equal_to_rounding(tmp_path: Path) -> None:
    """PyTorch's fused attention on several threads rounds otherwise at odd lengths; no published model has
    such heads."""
    with quiet():
        tiny.save_model(tmp_path / "bert", "bert", layers=2, width=32)
    small = load_encoder(open_checkpoint(str(tmp_path / "bert")), EncoderSettings(layer=2))
    assert_batches_do_not_matter(small, words(1), tolerance=2e-6)


def test_agrees_with_a_padded_batch_by_transformers(encoder: Encoder, minilm: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    with quiet():
        model, tokenizer = AutoModel.from_pretrained(minilm).eval(), AutoTokenizer.from_pretrained(minilm)
    inputs = tokenizer(SENTENCES, padding=True, truncation=True, max_length=512, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs, output_hidden_states=True).hidden_states
    mask = inputs["attention_mask"][..., None].float()
    expected = torch.stack([(state * mask).sum(1) / mask.sum(1) for state in states[1:]]).numpy()
    assert np.abs(embed(encoder, SENTENCES) - expected[-1]).max() < 1e-5
    every = load_encoder(open_checkpoint(str(minilm)), EncoderSettings(all_layers=True))
    assert np.abs(embed(every, SENTENCES) - expected).max() < 1e-5


def test_all_layers_are_the_single_layers(checkpoint: Checkpoint) -> None:
    every = embed(load_encoder(checkpoint, EncoderSettings(all_layers=True)), SENTENCES)
    assert every.shape == (6, len(SENTENCES), 384)
    for layer in (1, 4, 6):
        one = embed(load_encoder(checkpoint, EncoderSettings(layer=layer)), SENTENCES)
        assert np.array_equal(every[layer - 1], one)


def test_sentence_transformers_pooling_is_its_encode(checkpoint: Checkpoint, minilm: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    with quiet():
        theirs = library.SentenceTransformer(str(minilm), device="cpu")
    long = [*SENTENCES, "word " * 300]
    ours = embed(load_encoder(checkpoint, EncoderSettings(pooling="sentence-transformers")), long)
    assert np.abs(ours - theirs.encode(long, batch_size=4, show_progress_bar=False)).max() < 1e-5


@pytest.mark.parametrize(
    "options",
    [
        {"normalise": True, "dense": 24, "prompts": {"query": "search query: "}},
        {"normalise": False, "dense": 0, "prompts": {"query": "search query: "}, "include_prompt": False},
        {"normalise": True, "dense": 0, "lower_case": True, "style": 2},
    ],
    ids=["dense-prompt-normalise", "prompt-not-pooled", "lower-case"],
)
def test_sentence_transformers_modules(tmp_path: Path, options: dict[str, Any]) -> None:
    library = pytest.importorskip("sentence_transformers")
    include, lower = options.pop("include_prompt", True), options.pop("lower_case", False)
    folder = tmp_path / "sentences"
    with quiet():
        tiny.save_sentence_model(folder, **options)
    tiny.edit_json(folder / "1_Pooling" / "config.json", include_prompt=include)
    tiny.edit_json(folder / "sentence_bert_config.json", do_lower_case=lower)
    if options["dense"]:
        from safetensors.torch import save_file

        torch.manual_seed(5)
        weights = {"linear.weight": torch.randn(24, 32), "linear.bias": torch.randn(24)}
        save_file(weights, folder / "2_Dense" / "model.safetensors")
    with quiet():
        theirs = library.SentenceTransformer(str(folder), device="cpu")
        expected = theirs.encode(SENTENCES, show_progress_bar=False)
    encoder = load_encoder(
        open_checkpoint(str(folder)), EncoderSettings(pooling="sentence-transformers", max_length=None)
    )
    vectors = embed(encoder, SENTENCES)
    assert vectors.shape == expected.shape == (len(SENTENCES), options["dense"] or 32)
    assert np.abs(vectors - expected).max() < 1e-5
    plain = embed(load_encoder(open_checkpoint(str(folder)), EncoderSettings()), SENTENCES)
    assert plain.shape != vectors.shape or np.abs(plain - vectors).max() > 1e-3


def test_equal_sentences_are_computed_once(encoder: Encoder) -> None:
    seen: list[tuple[int, int]] = []
    sentences = ["b", "a", "b", "b c d", "a"]
    vectors = embed(encoder, sentences, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)
    assert np.array_equal(vectors, embed(encoder, sentences, deduplicate=False))
    assert np.array_equal(vectors[[0, 1]], vectors[[2, 4]])
    assert not np.array_equal(vectors[0], vectors[1])


def test_no_sentences_give_no_vectors(checkpoint: Checkpoint, encoder: Encoder) -> None:
    assert embed(encoder, []).shape == (0, 384)
    every = load_encoder(checkpoint, EncoderSettings(all_layers=True))
    assert embed(every, []).shape == (6, 0, 384)
    assert list(embed_batches(encoder, [])) == []


def test_batches_hold_one_length_each_and_every_sentence_once(encoder: Encoder) -> None:
    ids = tokenise(encoder, SENTENCES * 3)
    found = list(batches(encoder, ids, token_budget=40))
    lengths = [{len(ids[index]) for index in batch} for batch in found]
    assert all(len(one) == 1 for one in lengths)
    assert [min(one) for one in lengths] == sorted((min(one) for one in lengths), reverse=True)
    assert all(len(batch) * min(one) <= 40 or len(batch) == 1 for batch, one in zip(found, lengths, strict=True))
    assert sorted(np.concatenate(found).tolist()) == list(range(len(ids)))
    with pytest.raises(HarnessError, match="holds no sentence"):
        next(batches(encoder, ids, token_budget=0))


def test_finished_batches_can_be_kept(encoder: Encoder) -> None:
    ids = tokenise(encoder, SENTENCES)
    kept = {
        int(at): row
        for indices, rows in embed_batches(encoder, ids, token_budget=30)
        for at, row in zip(indices, rows, strict=True)
    }
    assert np.array_equal(np.stack([kept[at] for at in range(len(ids))]), embed(encoder, SENTENCES))


def test_the_tokenizers_own_truncation_and_padding_are_overridden(encoder: Encoder, minilm: Path) -> None:
    """MiniLM's tokenizer.json cuts and pads to 128 in silence."""
    stored = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))
    assert stored["truncation"]["max_length"] == stored["padding"]["strategy"]["Fixed"] == 128
    short, long, longer = tokenise(encoder, ["hello", "hello " * 300, "hello " * 600])
    assert (len(short), len(long), len(longer)) == (3, 302, 512)
    assert longer[-1] == short[-1]
    assert short.tolist() == [101, 7592, 102]


def test_token_statistics(encoder: Encoder) -> None:
    found = token_statistics(encoder, ["hello world", "", "☃ hello", "hello " * 600])
    assert found.tokens.tolist() == [2, 0, 2, 600]
    assert found.unknown.tolist() == [0, 0, 1, 0]
    assert found.words.tolist() == [2, 0, 2, 600]
    assert found.truncated.tolist() == [False, False, False, True]
    assert found.unk_rate == 1 / 604
    assert found.tokens_per_word == 1.0
    assert found.truncated_share == 0.25
    edge = token_statistics(encoder, ["hello " * 510, "hello " * 511])
    assert edge.truncated.tolist() == [False, True]
    nothing = token_statistics(encoder, [])
    assert (nothing.unk_rate, nothing.tokens_per_word, nothing.truncated_share) == (None, None, None)


def test_an_unknown_token_that_is_the_end_of_text_counts_as_special(tmp_path: Path) -> None:
    """GPT-2's tokenizer: counting it as unknown would count the ends of sentences."""
    with quiet():
        tiny.save_model(tmp_path / "gpt", "llama", tokenizer="decoder")
    plain = load_encoder(open_checkpoint(str(tmp_path / "gpt")), EncoderSettings())
    assert token_statistics(plain, ["<unk> a"]).unknown.tolist() == [1]
    assert plain.tokenizer.unk_token_id not in plain.specials
    tiny.edit_json(tmp_path / "gpt" / "tokenizer_config.json", unk_token="</s>")
    shared_token = load_encoder(open_checkpoint(str(tmp_path / "gpt")), EncoderSettings())
    assert token_statistics(shared_token, ["</s> a"]).unknown.tolist() == [0]
    assert shared_token.tokenizer.eos_token_id in shared_token.specials


def test_sentences_without_a_token_to_pool_are_refused(
    encoder: Encoder, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    assert embed(encoder, [""]).shape == (1, 384)
    bare = load_encoder(checkpoint, EncoderSettings(pooling="mean_no_special"))
    with pytest.raises(HarnessError, match=r"2 of 3 sentences have no token .*numbers 1, 3"):
        embed(bare, ["", "a", " "])
    with quiet():
        tiny.save_model(tmp_path / "llama", "llama", tokenizer="decoder")
    causal = load_encoder(open_checkpoint(str(tmp_path / "llama")), EncoderSettings())
    with pytest.raises(HarnessError, match=r"1 of 1 sentences have no token"):
        embed(causal, [""])


def test_lower_precision_gives_float32_vectors(checkpoint: Checkpoint, encoder: Encoder) -> None:
    half = load_encoder(checkpoint, EncoderSettings(dtype="bfloat16"))
    vectors, whole = embed(half, SENTENCES), embed(encoder, SENTENCES)
    assert vectors.dtype == np.float32
    cosines = (vectors * whole).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(whole, axis=1)
    assert 0.99 < cosines.min() < 1


@pytest.mark.parametrize("language", ["swh", "deu"])
def test_golden_tatoeba_accuracy_per_layer(language: str, shared: Path, checkpoint: Checkpoint) -> None:
    """English queries in Python's string order against the other side's vectors, cosine, k = 1 (xtreme.md
    1.7)."""
    golden = json.loads((shared / "golden/retrieval/tatoeba_minilm.json").read_text())["tatoeba"][language]
    sides = [read_side(shared, language, side) for side in (language, "eng")]
    encoder = load_encoder(checkpoint, EncoderSettings(all_layers=True))
    targets, queries = (unit(embed(encoder, side)) for side in sides)
    found = (queries @ targets.transpose(0, 2, 1)).argmax(axis=2)
    accuracy = (found == np.arange(len(sides[0]))).mean(axis=1) * 100
    for layer, value in golden.items():
        assert accuracy[int(layer) - 1] == pytest.approx(value, abs=0.2)


def read_side(shared: Path, language: str, side: str) -> list[str]:
    path = shared / f"data/tatoeba/tatoeba.{language}-eng.{side}"
    return path.read_text(encoding="utf-8").splitlines()


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_encoders_are_values(encoder: Encoder) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        encoder.max_length = 3  # type: ignore[misc]
