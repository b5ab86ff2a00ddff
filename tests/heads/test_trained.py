"""What was saved comes back, and a head that was never trained is never taken for one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.heads import HEADS
from harness.heads.head import Encoding
from harness.heads.model import NewHead, build
from harness.heads.own import OwnHead
from harness.heads.predict import predict
from harness.heads.tokeniser import open_tokeniser
from harness.heads.trained import RECORD, Wanted, load_trained, save, trained_form

KINDS = {
    "classify": "sequence-classification",
    "tag": "token-classification",
    "span": "question-answering",
    "choice": "multiple-choice",
}


@pytest.mark.parametrize("form", HEADS)
@pytest.mark.parametrize("family", ["bert", "llama", "clip"])
def test_saved_and_loaded_it_predicts_the_same(tiny, tmp_path, examples, labels, family, form) -> None:
    source = tmp_path / "source"
    if family == "clip":
        tiny.save_dual_encoder(source)
    else:
        tiny.save_model(source, family, "causal-lm" if family == "llama" else "", tokenizer="encoder")
    checkpoint, head, names = tiny.opened(source), HEADS[form], labels[form]
    tokeniser = open_tokeniser(checkpoint)
    made = build(checkpoint, tokeniser, NewHead(head, names, 1))
    save(made, tokeniser, head, tmp_path / "tuned")
    tuned = tiny.opened(tmp_path / "tuned")
    assert trained_form(tuned) == form
    assert (tmp_path / "tuned" / RECORD).is_file() == isinstance(made.module, OwnHead)
    again = load_trained(tuned, head, Wanted(names))
    assert again.labels == names and again.description == made.description
    found = head.encode(examples[form][:6], Encoding(open_tokeniser(tuned), 48, names))
    first, second = (predict(head, one.module, [found])[0] for one in (made, again))
    assert np.array_equal(first, second) and np.ptp(first) > 0


def test_a_causal_head_without_a_padding_token_predicts(tiny, tmp_path, examples, labels) -> None:
    """As such heads are saved by others. It reads the last token of a row, alone as in company."""
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "source", "llama", "causal-lm", tokenizer="encoder"))
    head, tokeniser = HEADS["classify"], open_tokeniser(checkpoint)
    made = build(checkpoint, tokeniser, NewHead(head, labels["classify"], 1))
    save(made, tokeniser, head, tmp_path / "tuned")
    path = tmp_path / "tuned" / "config.json"
    config = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**config, "pad_token_id": None}), encoding="utf-8")
    bare = load_trained(tiny.opened(tmp_path / "tuned"), head, Wanted(labels["classify"]))
    one = examples["classify"][0]
    found = head.encode([one, one], Encoding(tokeniser, 48, labels["classify"]))
    first, second = (predict(head, model.module, [found])[0] for model in (made, bare))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("form", HEADS)
def test_only_the_form_that_was_trained_is_loaded(tiny, tmp_path, labels, form) -> None:
    head_labels = {"labels": ("a", "b", "c")} if form in ("classify", "tag") else {}
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "m", "bert", KINDS[form], **head_labels))
    assert trained_form(checkpoint) == form
    for other, head in HEADS.items():
        wanted = Wanted(("a", "b", "c")) if other in ("classify", "tag") else Wanted()
        if other == form:
            load_trained(checkpoint, head, wanted)
        else:
            with pytest.raises(HarnessError, match=f"has a trained head for '{form}'"):
                load_trained(checkpoint, head, wanted)


def test_no_head_and_half_a_head_are_refused(bert, tiny, tmp_path) -> None:
    with pytest.raises(HarnessError, match="no trained head"):
        load_trained(bert, HEADS["span"], Wanted())
    folder = tiny.save_model(tmp_path / "m", "bert", "question-answering")
    checkpoint = tiny.opened(folder)
    tiny.drop_tensors(folder, "qa_outputs.bias")
    with pytest.raises(HarnessError, match=r"lacks qa_outputs.bias of BertForQuestionAnswering"):
        load_trained(checkpoint, HEADS["span"], Wanted())


def test_a_head_of_another_shape_is_refused(tiny, tmp_path) -> None:
    folder = tiny.save_model(tmp_path / "m", "bert", "sequence-classification", labels=("a", "b", "c"))
    checkpoint = replace(tiny.opened(folder), labels=("a", "b"))
    with pytest.raises(HarnessError, match="lacks classifier"):
        load_trained(checkpoint, HEADS["classify"], Wanted(("a", "b")))


def test_labels_come_in_the_order_of_the_columns(tiny, tmp_path, examples, labels) -> None:
    own = ("NEUTRAL", "Contradiction", "entailment ")
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "m", "bert", "sequence-classification", labels=own))
    made = load_trained(checkpoint, HEADS["classify"], Wanted(labels["classify"]))
    assert made.labels == ("neutral", "contradiction", "entailment")
    logits = np.eye(3, dtype=np.float32)
    found = HEADS["classify"].encode(examples["classify"][:3], Encoding(open_tokeniser(checkpoint), 48, made.labels))
    assert HEADS["classify"].decode(found, examples["classify"][:3], logits, made.labels) == list(made.labels)


def test_columns_without_names_need_an_order(tiny, tmp_path, labels) -> None:
    folder = tiny.save_model(tmp_path / "m", "bert", "sequence-classification", num_labels=3)
    checkpoint = tiny.opened(folder)
    with pytest.raises(HarnessError, match="--label-order"):
        load_trained(checkpoint, HEADS["classify"], Wanted(labels["classify"]))
    order = ("entailment", "neutral", "contradiction")
    made = load_trained(checkpoint, HEADS["classify"], Wanted(labels["classify"], order=order))
    assert made.labels == order


def test_a_broken_record_is_refused(tiny, tmp_path, labels) -> None:
    tiny.save_dual_encoder(tmp_path / "source")
    checkpoint = tiny.opened(tmp_path / "source")
    tokeniser = open_tokeniser(checkpoint)
    head = HEADS["tag"]
    save(build(checkpoint, tokeniser, NewHead(head, labels["tag"], 1)), tokeniser, head, tmp_path / "m")
    tuned = tiny.opened(tmp_path / "m")
    (tmp_path / "m" / "head.safetensors").write_bytes(b"")
    with pytest.raises(HarnessError, match="does not fit"):
        load_trained(tuned, head, Wanted(labels["tag"]))
    (tmp_path / "m" / RECORD).write_text(json.dumps({"schema": 2, "form": "tag"}), "utf-8")
    with pytest.raises(HarnessError, match="not written by this program"):
        load_trained(tuned, head, Wanted(labels["tag"]))


def test_a_head_in_an_adapter_is_loaded(tiny, tmp_path, examples, labels) -> None:
    pytest.importorskip("peft")
    from peft import PeftModel
    from transformers import BertForSequenceClassification

    classes, head = labels["classify"], HEADS["classify"]
    base = tiny.save_model(tmp_path / "base", "bert")
    folder = tiny.save_adapter(
        tmp_path / "adapter", base, "sequence-classification", labels=classes, init_lora_weights=False
    )
    checkpoint = tiny.opened(folder)
    assert trained_form(checkpoint) == "classify"
    made = load_trained(checkpoint, head, Wanted(classes, order=classes))
    found = head.encode(examples["classify"][:4], Encoding(open_tokeniser(checkpoint), 48, classes))
    plain = BertForSequenceClassification.from_pretrained(base, num_labels=3)
    expected = PeftModel.from_pretrained(plain, folder).eval()
    (logits,) = predict(head, made.module, [found])
    with torch.inference_mode():
        for row in range(4):
            low, high = found.tokens.bounds[row : row + 2]
            ids = torch.from_numpy(found.tokens.values[low:high].astype(np.int64))[None]
            types = torch.from_numpy(found.types[low:high].astype(np.int64))[None] if found.types is not None else None
            np.testing.assert_allclose(expected(ids, token_type_ids=types).logits[0].numpy(), logits[row], atol=1e-5)
