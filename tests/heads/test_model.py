"""Every kind of checkpoint takes every form, and our own head is transformers' where both exist."""

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.heads import HEADS
from harness.heads.features import inputs
from harness.heads.head import Encoding, answer, collate, loss
from harness.heads.model import NewHead, build, load_base
from harness.heads.own import OwnHead, sees_ahead, tower_name
from harness.heads.predict import predict
from harness.heads.tokeniser import open_tokeniser

# family -> (head class of the saved folder, tokenizer form, forms that transformers has a class for)
FAMILIES = {
    "bert": ("", "encoder", "classify tag span choice"),
    "roberta": ("masked-lm", "encoder", "classify tag span choice"),
    "xlm-roberta": ("", "encoder", "classify tag span choice"),
    "distilbert": ("", "encoder", "classify tag span choice"),
    "electra": ("", "encoder", "classify tag span choice"),
    "deberta-v2": ("", "encoder", "classify tag span choice"),
    "modernbert": ("masked-lm", "encoder", "classify tag span choice"),
    "xlm": ("", "encoder", "classify tag span choice"),
    "eurobert": ("masked-lm", "encoder", "classify tag"),
    "t5": ("seq2seq", "seq2seq", "classify tag"),
    "mt5": ("seq2seq", "seq2seq", "classify tag"),
    "bart": ("seq2seq", "encoder", "classify span"),
    "llama": ("causal-lm", "decoder", "classify tag"),
    "qwen3": ("causal-lm", "decoder", "classify tag"),
    "gemma3_text": ("causal-lm", "decoder", "classify"),
    "gpt2": ("causal-lm", "decoder", "classify tag span"),
    "clip": ("", "encoder", ""),
    "siglip": ("", "encoder", ""),
    "llava": ("", "decoder", ""),
    "mt5-encoder": ("MT5EncoderModel", "seq2seq", "tag"),
}


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request, tiny, tmp_path_factory):
    """(family, checkpoint, tokeniser)."""
    folder, name = tmp_path_factory.mktemp("models") / "m", request.param
    head, tokenizer, _ = FAMILIES[name]
    if name in ("clip", "siglip"):
        tiny.save_dual_encoder(folder, name)
    elif name == "llava":
        tiny.save_vision_language(folder)
    else:
        tiny.save_model(folder, name.removesuffix("-encoder"), head, tokenizer=tokenizer)
    checkpoint = tiny.opened(folder)
    return name, checkpoint, open_tokeniser(checkpoint)


def test_every_form_is_trained_and_predicted(family, examples, labels) -> None:
    name, checkpoint, tokeniser = family
    native = []
    for form, head in HEADS.items():
        made = build(checkpoint, tokeniser, NewHead(head, labels[form], 1))
        native += [] if isinstance(made.module, OwnHead) else [form]
        chosen = examples[form][:6]
        training = head.encode(chosen, Encoding(tokeniser, 48, labels[form], training=True))
        total, count = loss(head, made.module.train(), collate(head, training, range(min(4, len(training.lengths)))))
        total.backward()
        assert torch.isfinite(total) and int(count) > 0
        trained = [one for one in made.module.parameters() if one.grad is not None and one.grad.abs().sum() > 0]
        assert any(one is weight for one in trained for weight in made.encoder.parameters()), (
            "the encoder learns nothing"
        )
        found = head.encode(chosen, Encoding(tokeniser, 48, labels[form]))
        outputs = head.decode(found, chosen, *predict(head, made.module, [found]), labels[form])
        assert len(outputs) == len(chosen)
    assert native == FAMILIES[name][2].split()


def test_no_batch_changes_a_prediction(family, examples, labels) -> None:
    _, checkpoint, tokeniser = family
    for form in ("classify", "choice"):
        head = HEADS[form]
        model = build(checkpoint, tokeniser, NewHead(head, labels[form], 1)).module.eval()
        found = head.encode(examples[form][:8], Encoding(tokeniser, 48, labels[form]))
        with torch.inference_mode():
            padded = answer(head, model, inputs(found, np.arange(len(found.tokens)))).numpy()
        np.testing.assert_allclose(padded, predict(head, model, [found], budget=1)[0], atol=1e-5)


def test_the_same_seed_gives_the_same_bytes(family, labels) -> None:
    _, checkpoint, tokeniser = family
    states = []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)
        model = build(checkpoint, tokeniser, NewHead(HEADS["classify"], labels["classify"], seed)).module
        states.append({name: weight.clone() for name, weight in model.state_dict().items()})
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    differ = [name for name in states[0] if not torch.equal(states[0][name], states[2][name])]
    assert differ and len(differ) <= 4


def test_the_global_generator_is_left_alone(bert, tokeniser, labels) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    build(bert, tokeniser, NewHead(HEADS["tag"], labels["tag"], 1))
    assert torch.rand(1) == expected


@pytest.mark.parametrize(
    ("name", "form", "classifier"),
    [
        ("bert", "tag", "classifier"),
        ("xlm-roberta", "tag", "classifier"),
        ("llama", "tag", "score"),
        ("bert", "span", "qa_outputs"),
        ("llama", "span", "qa_outputs"),
        ("llama", "classify", "score"),
        ("gpt2", "classify", "score"),
    ],
)
def test_our_head_is_transformers_on_the_same_weights(tiny, tmp_path, examples, labels, name, form, classifier) -> None:
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "m", name, tokenizer=FAMILIES[name][1]))
    tokeniser, head = open_tokeniser(checkpoint), HEADS[form]
    native = build(checkpoint, tokeniser, NewHead(head, labels[form], 1)).module
    linear = native.get_submodule(classifier)
    base = load_base(checkpoint, torch.float32)
    pooling = "none" if form != "classify" else "mean" if sees_ahead(base, "") else "last"
    own = OwnHead(base, tower_name(base), head.outputs(labels[form]), pooling)
    with torch.no_grad():
        own.head.weight.copy_(linear.weight)
        own.head.bias.copy_(torch.zeros_like(own.head.bias) if linear.bias is None else linear.bias)
    found = head.encode(examples[form][:12], Encoding(tokeniser, 48, labels[form]))
    first, second = (predict(head, model, [found])[0] for model in (native, own))
    assert np.ptp(first) > 0
    np.testing.assert_allclose(first, second, atol=1e-6)
    batch = inputs(found, np.arange(5))
    with torch.inference_mode():
        padded = [answer(head, model.eval(), batch) for model in (native, own)]
    mask = batch.get("attention_mask", torch.ones_like(batch["input_ids"])).bool()
    padded = padded if head.pooled else [one[mask] for one in padded]
    torch.testing.assert_close(*padded, atol=1e-6, rtol=1e-5)


def test_the_encoder_is_the_checkpoints(family, labels) -> None:
    """Nothing of the text tower is new: its tensors are those of the file."""
    _, checkpoint, tokeniser = family
    base = load_base(checkpoint, torch.float32)
    part = base.get_submodule(tower_name(base))
    known = {tuple(one.shape): [] for one in part.parameters()}
    for one in part.parameters():
        known[tuple(one.shape)].append(one)
    made = build(checkpoint, tokeniser, NewHead(HEADS["tag"], labels["tag"], 1))
    inner = made.encoder.get_submodule(tower_name(made.encoder))
    for name, weight in inner.named_parameters():
        assert any(torch.equal(weight, other) for other in known[tuple(weight.shape)]), name


def test_a_model_that_does_not_see_ahead_is_read_at_its_end(tiny, tmp_path, labels) -> None:
    expected = {"llama": "last", "clip": "last", "siglip": "mean", "t5": "mean", "bert": None}
    for name, pooling in expected.items():
        folder, (saved, tokenizer, _) = tmp_path / name, FAMILIES[name]
        if name in ("clip", "siglip"):
            tiny.save_dual_encoder(folder, name)
        else:
            tiny.save_model(folder, name, saved, tokenizer=tokenizer)
        checkpoint = tiny.opened(folder)
        made = build(checkpoint, open_tokeniser(checkpoint), NewHead(HEADS["choice"], (), 1)).module
        assert getattr(made, "pooling", None) == pooling, name


def test_a_head_that_was_there_is_not_kept(tiny, tmp_path, labels) -> None:
    classes = labels["classify"]
    plain = tiny.opened(tiny.save_model(tmp_path / "a", "bert", seed=3))
    tuned = tiny.opened(tiny.save_model(tmp_path / "b", "bert", "sequence-classification", labels=classes, seed=3))
    wider = tiny.opened(tiny.save_model(tmp_path / "c", "bert", "sequence-classification", labels=tuple("abcde")))
    heads = [
        build(one, open_tokeniser(one), NewHead(HEADS["classify"], classes, 1)).module for one in (plain, tuned, wider)
    ]
    assert all(torch.equal(heads[0].classifier.weight, one.classifier.weight) for one in heads)
    assert heads[2].config.id2label == dict(enumerate(classes))
    span = build(tuned, open_tokeniser(tuned), NewHead(HEADS["span"], (), 1)).module
    assert span.qa_outputs.out_features == 2


def test_an_encoder_that_lacks_weights_is_refused(tiny, tmp_path, labels) -> None:
    from dataclasses import replace

    whole = tiny.opened(tiny.save_model(tmp_path / "m", "bert"))
    tiny.drop_tensors(tmp_path / "m", "encoder.layer.1.attention")
    with pytest.raises(HarnessError, match="lacks weights of its encoder"):
        build(replace(whole), open_tokeniser(whole), NewHead(HEADS["tag"], labels["tag"], 1))


def test_a_missing_pooler_is_part_of_the_new_head(tiny, tmp_path, labels) -> None:
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "m", "bert", "masked-lm"))
    tokeniser = open_tokeniser(checkpoint)
    models = [build(checkpoint, tokeniser, NewHead(HEADS["classify"], labels["classify"], 4)).module for _ in range(2)]
    assert torch.equal(models[0].bert.pooler.dense.weight, models[1].bert.pooler.dense.weight)
    assert 0.01 < models[0].bert.pooler.dense.weight.std() < 0.04


def test_an_adapter_on_the_base_is_merged(tiny, tmp_path, examples, labels) -> None:
    pytest.importorskip("peft")
    base = tiny.save_model(tmp_path / "base", "bert")
    plain = tiny.opened(base)
    adapted = tiny.opened(tiny.save_adapter(tmp_path / "adapter", base, init_lora_weights=False))
    head = HEADS["tag"]
    found = head.encode(examples["tag"][:4], Encoding(open_tokeniser(plain), 48, labels["tag"]))
    logits = []
    for one in (plain, adapted):
        made = build(one, open_tokeniser(plain), NewHead(head, labels["tag"], 1))
        assert not [name for name, _ in made.module.named_parameters() if "lora" in name]
        logits.append(predict(head, made.module, [found])[0])
    assert np.abs(logits[0] - logits[1]).max() > 1e-4
