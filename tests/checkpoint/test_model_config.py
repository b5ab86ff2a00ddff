"""config.json: positions, mistakes in it, and code of its own."""

from pathlib import Path

import pytest
import tiny_models as tiny


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return tiny.save_model(tmp_path / "bert", "bert", "masked-lm")


PADDED = (
    "roberta",
    "xlm-roberta",
    "camembert",
    "mpnet",
    "data2vec-text",
    "roberta-prelayernorm",
    "ibert",
)


@pytest.mark.parametrize("family", [*PADDED, "bert", "distilbert", "electra", "albert", "xlm", "deberta-v2"])
def test_positions_are_those_of_the_table(tmp_path: Path, family: str) -> None:
    """RoBERTa's positions begin after the padding index, so that 514 rows take 512 tokens."""
    import torch
    from transformers import AutoModel

    checkpoint = tiny.opened(tiny.save_model(tmp_path / "c", family))
    model = AutoModel.from_pretrained(tmp_path / "c").eval()
    tables = [module for name, module in model.named_modules() if name.endswith("position_embeddings")]
    padding = tables[0].padding_idx if tables else None
    assert checkpoint.max_positions == 514 - (0 if padding is None else padding + 1)
    ids = torch.full((1, checkpoint.max_positions), 7)
    assert torch.isfinite(model(input_ids=ids, attention_mask=torch.ones_like(ids))[0]).all()


def test_broken_configuration(bert: Path) -> None:
    path = bert / "config.json"
    whole = path.read_text()
    path.write_text('{\n"model_type": "bert",\n')
    assert f"{path}:3: no valid JSON" in tiny.mistake(bert)
    path.write_text("[]")
    assert "not a JSON object" in tiny.mistake(bert)
    path.write_text('{"hidden_size": 3}')
    assert "has no model_type" in tiny.mistake(bert)
    path.write_text('{"model_type": "brt"}')
    assert "'brt' is unknown to transformers" in tiny.mistake(bert)
    path.write_text(whole.replace('"hidden_size": 32', '"hidden_size": "wide"'))
    assert "no configuration that transformers can use" in tiny.mistake(bert)
    path.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as text" in tiny.mistake(bert)


CODE = """
from transformers import BertConfig, BertForMaskedLM, BertModel

class OwnConfig(BertConfig):
    model_type = "own-bert"

class OwnModel(BertModel):
    config_class = OwnConfig

class OwnForMaskedLM(BertForMaskedLM):
    config_class = OwnConfig
"""


def test_own_code_runs_only_with_trust(bert: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    (bert / "modeling_own.py").write_text(CODE)
    auto = {"AutoConfig": "OwnConfig", "AutoModel": "OwnModel", "AutoModelForMaskedLM": "OwnForMaskedLM"}
    auto = {name: f"modeling_own.{value}" for name, value in auto.items()}
    tiny.edit_json(bert / "config.json", model_type="own-bert", auto_map=auto, architectures=["OwnForMaskedLM"])
    text = tiny.mistake(bert)
    assert "only its own Python code can load (modeling_own.py)" in text
    assert "--trust-remote-code" in text
    checkpoint = tiny.opened(bert, trust_remote_code=True)
    assert (checkpoint.kind, checkpoint.backbone) == ("encoder-mlm", "OwnModel")
    assert checkpoint.trust_remote_code
    before = checkpoint.fingerprint
    (bert / "modeling_own.py").write_text(CODE + "\n# changed\n")
    assert tiny.opened(bert, trust_remote_code=True).fingerprint != before


def test_own_code_is_not_needed_where_transformers_has_the_model(bert: Path) -> None:
    tiny.edit_json(bert / "config.json", auto_map={"AutoConfig": "modeling_own.OwnConfig"})
    checkpoint = tiny.opened(bert, trust_remote_code=True)
    assert checkpoint.kind == "encoder-mlm"
    assert not checkpoint.trust_remote_code
