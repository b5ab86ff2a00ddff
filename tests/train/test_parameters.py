"""Which weights train, with which rate and decay."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.train.loop import train
from harness.train.low_rank import add_updates
from harness.train.parameters import count_layers, depth, encoder_weights, groups
from harness.train.problem import Problem
from harness.train.settings import TrainSettings


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bert.embeddings.word_embeddings.weight", 0),
        ("bert.encoder.layer.0.attention.self.query.weight", 1),
        ("bert.encoder.layer.11.output.dense.bias", 12),
        ("bert.pooler.dense.weight", 13),
        ("classifier.weight", 13),
        ("model.embed_tokens.weight", 0),
        ("model.layers.3.mlp.up_proj.weight", 4),
        ("model.norm.weight", 13),
        ("transformer.h.2.attn.c_attn.weight", 3),
        ("transformer.wte.weight", 0),
        ("shared.weight", 0),
        ("encoder.block.5.layer.1.DenseReluDense.wi.weight", 6),
        ("transformer.attentions.4.q_lin.weight", 5),
        ("transformer.layer_norm1.4.weight", 5),
    ],
)
def test_depth_is_read_from_names(name, expected):
    assert depth(name, 12) == expected


SIZES = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 50,
    "num_labels": 3, "pad_token_id": 0,
}  # fmt: skip
SMALL = {
    "XLMRobertaConfig": (SIZES, "classifier", 12),
    "MPNetConfig": (SIZES, "classifier", 12),
    "DebertaV2Config": ({**SIZES, "relative_attention": True}, "pooler classifier", 12),
    "ModernBertConfig": (SIZES, "head classifier", 8),
    "Qwen3Config": ({**SIZES, "num_key_value_heads": 2, "head_dim": 8}, "score", 14),
    "XLMConfig": (
        {"emb_dim": 16, "n_layers": 2, "n_heads": 2, "vocab_size": 50, "num_labels": 3, "pad_index": 0},
        "sequence_summary",
        12,
    ),
    "T5Config": (
        {"d_model": 16, "d_ff": 32, "num_layers": 2, "num_heads": 2, "d_kv": 8, "vocab_size": 50, "num_labels": 3,
         "pad_token_id": 0, "eos_token_id": 1},
        "classification_head",
        32,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_architectures_are_told_apart_by_their_names(name):
    """Which weights are the head, how many layers there are, and that low-rank updates leave no trace."""
    import transformers

    sizes, head, maps = SMALL[name]
    config = getattr(transformers, name)(**sizes)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    problem = Problem(model, np.ones(2, np.int64), collate=None, loss=None)
    own = encoder_weights(problem)
    rest = {one for one, _ in model.named_parameters() if one not in own}
    assert {one.split(".")[0] for one in rest} == set(head.split())
    assert count_layers(model) == 2
    assert {depth(one, 2) for one in own} - {3} == {0, 1, 2}
    before = {one: weight.clone() for one, weight in model.state_dict().items()}
    merge = add_updates(problem, 2, seed=0)
    trained = {one for one, weight in model.named_parameters() if weight.requires_grad}
    assert {one for one in trained if "lora_" not in one} == rest
    assert len(trained) == len(rest) + 2 * maps
    merge()
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(before[one], weight) for one, weight in model.state_dict().items())


def test_biases_and_norms_do_not_decay(tiny):
    model = tiny.make_model()
    found = groups(model, TrainSettings(weight_decay=0.1))
    assert sum(len(group["params"]) for group in found) == len(list(model.parameters()))
    names = {id(weight): name for name, weight in model.named_parameters()}
    for group in found:
        for weight in group["params"]:
            name = names[id(weight)]
            spared = name.endswith("bias") or "LayerNorm" in name
            assert group["weight_decay"] == (0.0 if spared else 0.1), name
            assert group["full_rate"] == 2e-5


def test_lower_layers_learn_slower(tiny):
    model = tiny.make_model()
    rates = {}
    names = {id(weight): name for name, weight in model.named_parameters()}
    for group in groups(model, TrainSettings(learning_rate=1.0, layer_decay=0.5)):
        rates |= {names[id(weight)]: group["full_rate"] for weight in group["params"]}
    assert count_layers(model) == 2
    assert rates["classifier.weight"] == 1.0
    assert rates["bert.encoder.layer.1.output.dense.weight"] == 0.5
    assert rates["bert.encoder.layer.0.output.dense.bias"] == 0.25
    assert rates["bert.embeddings.word_embeddings.weight"] == 0.125


@pytest.mark.parametrize("change", [{"freeze": "encoder"}, {"freeze": 1}, {"lora": 2}, {}])
def test_only_what_is_asked_for_changes(tiny, tmp_path, change):
    """What moved in a training, by name; afterwards everything can be trained again and the model is
    plain."""
    problem = tiny.make_problem()
    before = {name: weight.clone() for name, weight in problem.model.state_dict().items()}
    train(problem, replace(tiny.SETTINGS, **change), tmp_path)
    after = problem.model.state_dict()
    assert list(after) == list(before)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    layers = {name for name in before if ".layer.1." in name}
    matrices = {name for name in before if ".layer." in name and name.endswith("weight") and "Norm" not in name}
    head = {"classifier.weight", "classifier.bias"}
    embeddings = {name for name in before if ".embeddings." in name}
    expected = {"encoder": head, 1: head | layers, 0: head | matrices if "lora" in change else set(before)}
    assert moved == expected[change.get("freeze", 0)]
    assert embeddings
    assert all(weight.requires_grad for weight in problem.model.parameters())
    assert not problem.model.training


def test_low_rank_updates_are_of_low_rank(tiny, tmp_path):
    problem = tiny.make_problem()
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    before = problem.model.state_dict()[name].clone()
    train(problem, replace(tiny.SETTINGS, lora=2), tmp_path)
    change = problem.model.state_dict()[name] - before
    assert torch.linalg.matrix_rank(change, rtol=1e-4) == 2


def test_what_cannot_be_frozen(tiny, tmp_path):
    with pytest.raises(HarnessError, match="2 layers"):
        train(tiny.make_problem(), replace(tiny.SETTINGS, freeze=3), tmp_path)
    plain = torch.nn.Linear(2, 2)
    with pytest.raises(HarnessError, match="encoder from its head"):
        train(tiny.make_problem(model=plain), replace(tiny.SETTINGS, freeze="encoder"), tmp_path)
    problem = tiny.make_problem()
    problem.model.requires_grad_(False)
    with pytest.raises(HarnessError, match="frozen"):
        train(problem, tiny.SETTINGS, tmp_path)
