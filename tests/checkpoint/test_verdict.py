"""The kind of a checkpoint: what its tensors make, whatever config.json names."""

import json
import shutil
from pathlib import Path

import pytest
import tiny_models as tiny

from harness.checkpoint.kinds import KINDS


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return tiny.save_model(tmp_path / "bert", "bert", "masked-lm")


ABC = ("no", "maybe", "yes")


HEAD_OF = {
    "masked-lm": "encoder-mlm",
    "causal-lm": "causal-lm",
    "seq2seq": "encoder-decoder",
    "": "encoder",
}


WITH_MLM = (
    "bert",
    "xlm-roberta",
    "distilbert",
    "deberta-v2",
    "xlm",
    "modernbert",
    "eurobert",
    "mpnet",
    "electra",
    "albert",
)


NAMED = [
    *[(family, "masked-lm") for family in (*WITH_MLM, "rembert")],
    *[(family, "") for family in ("bert", "xlm-roberta", "distilbert", "modernbert", "clip_text_model")],
    *[(family, "causal-lm") for family in ("llama", "qwen3", "gpt2", "bloom", "gemma3_text")],
    *[(family, "seq2seq") for family in ("mt5", "mbart", "m2m_100")],
    ("bert", "sequence-classification"),
    ("llama", "sequence-classification"),
    ("mt5", "sequence-classification"),
    ("xlm-roberta", "token-classification"),
    ("mt5", "token-classification"),
    ("bert", "question-answering"),
    ("xlm", "question-answering"),
    ("xlm-roberta", "multiple-choice"),
]


@pytest.mark.parametrize(("family", "head"), NAMED)
def test_named_kind(tmp_path: Path, family: str, head: str) -> None:
    labels = ABC if head in ("sequence-classification", "token-classification") else ()
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "ckpt", family, head, labels=labels))
    assert checkpoint.kind == HEAD_OF.get(head, head)
    assert checkpoint.kind in KINDS
    assert (checkpoint.layers, checkpoint.width, checkpoint.vocabulary) == (2, 32, tiny.VOCABULARY)
    assert checkpoint.labels == labels
    assert checkpoint.architecture in checkpoint.why or head == ""
    assert checkpoint.why.endswith(".") and checkpoint.why.count(". ") == 0
    assert checkpoint.backbone


@pytest.mark.parametrize("family", WITH_MLM)
def test_a_named_head_that_is_missing_makes_a_bare_encoder(tmp_path: Path, family: str) -> None:
    folder = tiny.save_model(tmp_path / "ckpt", family, "")
    name = json.loads((tiny.save_model(tmp_path / "head", family, "masked-lm") / "config.json").read_text())
    tiny.edit_json(folder / "config.json", architectures=name["architectures"])
    checkpoint = tiny.opened(folder)
    assert checkpoint.kind == "encoder"
    assert f"of {name['architectures'][0]}, which config.json names" in checkpoint.why
    assert "lacks" in checkpoint.why


@pytest.mark.parametrize("head", ["sequence-classification", "token-classification", "question-answering"])
def test_a_trained_head_without_its_tensors_is_never_one(tmp_path: Path, head: str) -> None:
    folder = tiny.drop_tensors(tiny.save_model(tmp_path / "c", "bert", head), "classifier", "qa_outputs")
    checkpoint = tiny.opened(folder)
    assert checkpoint.kind == "encoder"
    assert "lacks 2 tensors" in checkpoint.why
    assert checkpoint.labels == ()


def test_part_of_a_head_is_no_head(bert: Path) -> None:
    tiny.drop_tensors(bert, "cls.predictions.transform.dense.weight")
    checkpoint = tiny.opened(bert)
    assert checkpoint.kind == "encoder"
    assert "lacks 1 tensor (cls.predictions.transform.dense.weight)" in checkpoint.why


def test_a_head_counts_though_the_name_is_silent(tmp_path: Path) -> None:
    pretrained = tiny.opened(tiny.save_model(tmp_path / "a", "bert", "BertForPreTraining"))
    assert pretrained.kind == "encoder-mlm"
    assert "though config.json names BertForPreTraining" in pretrained.why
    folder = tiny.save_model(tmp_path / "b", "bert", "masked-lm")
    tiny.edit_json(folder / "config.json", architectures=None)
    assert tiny.opened(folder).kind == "encoder-mlm"


def test_a_discriminator_is_a_bare_encoder(tmp_path: Path) -> None:
    assert tiny.opened(tiny.save_model(tmp_path / "c", "electra", "ElectraForPreTraining")).kind == "encoder"


def test_decoders_without_their_head(tmp_path: Path) -> None:
    """Tied to the embedding the output layer is there; untied it is lost with the head."""
    tied = tiny.opened(tiny.save_model(tmp_path / "tied", "llama", "", tie_word_embeddings=True))
    untied = tiny.opened(tiny.save_model(tmp_path / "untied", "llama", "", tie_word_embeddings=False))
    assert (tied.kind, untied.kind) == ("causal-lm", "encoder")


def test_a_bert_decoder_is_causal(tmp_path: Path) -> None:
    assert tiny.opened(tiny.save_model(tmp_path / "c", "bert", "BertLMHeadModel", is_decoder=True)).kind == "causal-lm"


def test_the_encoder_half_alone(tmp_path: Path) -> None:
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "c", "mt5", "MT5EncoderModel"))
    assert (checkpoint.kind, checkpoint.backbone) == ("encoder", "MT5EncoderModel")


def test_hidden_states_that_no_class_reads(tmp_path: Path) -> None:
    """transformers saves LlamaForQuestionAnswering under names that LlamaModel does not know."""
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "c", "llama", "question-answering"))
    assert (checkpoint.kind, checkpoint.backbone) == ("question-answering", "")


@pytest.mark.parametrize("family", ["clip", "siglip", "siglip2", "vision-text-dual-encoder"])
def test_dual_encoders(tmp_path: Path, family: str) -> None:
    checkpoint = tiny.opened(tiny.save_dual_encoder(tmp_path / "c", family))
    assert checkpoint.kind == "image-text"
    assert (checkpoint.layers, checkpoint.width, checkpoint.vocabulary) == (2, 32, tiny.VOCABULARY)


@pytest.mark.parametrize(("family", "reads"), [("vit", "pixel_values"), ("wav2vec2", "input_values")])
def test_models_that_read_no_text(tmp_path: Path, family: str, reads: str) -> None:
    assert f"it reads {reads}, not text" in tiny.mistake(tiny.save_model(tmp_path / "c", family))


def test_weights_of_another_model(tmp_path: Path, bert: Path) -> None:
    tiny.edit_json(bert / "config.json", num_hidden_layers=3)
    assert "tensors (" in tiny.mistake(bert) and "layer.2" in tiny.mistake(bert)
    tiny.edit_json(bert / "config.json", num_hidden_layers=2, vocab_size=500)
    assert "does not fit config.json" in tiny.mistake(bert)
    foreign = tiny.save_model(tmp_path / "x", "gpt2", "causal-lm")
    shutil.copy(foreign / "model.safetensors", bert / "model.safetensors")
    tiny.edit_json(bert / "config.json", vocab_size=tiny.VOCABULARY)
    assert "they would be random" in tiny.mistake(bert)


def test_quantised_tensors_are_judged_by_the_name_alone(bert: Path) -> None:
    tiny.edit_json(bert / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    checkpoint = tiny.opened(bert)
    assert (checkpoint.kind, checkpoint.backbone) == ("encoder-mlm", "BertModel")
    assert "cannot be compared by name" in checkpoint.why
