"""The model card: what the hub reads, what a reader sees, and what stays as it was."""

from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from made_page import fill
from made_results import Made, write

from harness.cli import main


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("card") / "results"
    fill(root)
    return root


def _write(results: Path, card: Path, checkpoint: str) -> ModelCard:
    assert main(["leaderboard", str(results), "--model-card", str(card), "--checkpoint", checkpoint]) == 0
    return ModelCard.load(card)


def test_a_new_card_holds_the_average(results: Path, tmp_path: Path) -> None:
    card = _write(results, tmp_path / "ckpt" / "README.md", "xlm-roberta-large")
    (one,) = card.data.eval_results
    assert (one.task_type, one.dataset_type, one.dataset_config, one.metric_type) == (
        "text-classification", "xnli", "avg", "accuracy",
    )  # fmt: skip
    assert 60 < one.metric_value < 80
    assert one.metric_args["interval95"][0] < one.metric_value < one.metric_args["interval95"][1]
    assert one.metric_args["signature"].startswith("accuracy|xnli.v1|avg")
    assert one.source_name == "zeroshot-harness"
    assert f"{one.metric_value:.1f} (" in card.text


def test_an_incomplete_task_lists_its_languages(results: Path, tmp_path: Path) -> None:
    found = _write(results, tmp_path / "README.md", "partial").data.eval_results
    assert len(found) == 12
    assert "avg" not in {one.dataset_config for one in found}


def test_seeds_have_a_deviation(results: Path, tmp_path: Path) -> None:
    (one,) = _write(results, tmp_path / "README.md", "run-0").data.eval_results
    assert (one.metric_args["seeds"], "interval95" in one.metric_args) == (3, False)
    assert one.metric_args["deviation"] > 0


def test_what_others_wrote_stays(results: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(
        "---\nlanguage: sw\nlicense: mit\nmodel-index:\n- name: mine\n  results:\n  - task:\n      type: translation\n"
        "    dataset:\n      name: flores\n      type: flores\n    metrics:\n    - type: bleu\n      value: 12.5\n"
        "---\n# Mine\n\nText.\n",
        encoding="utf-8",
    )
    for _ in range(2):
        loaded = _write(results, card, "xlm-roberta-large")
        assert [one.metric_type for one in loaded.data.eval_results] == ["bleu", "accuracy"]
        assert (loaded.data.license, loaded.data.model_name) == ("mit", "mine")
        assert loaded.text.count("## Zero-shot evaluation") == 1
        assert "Text." in loaded.text
    before = card.read_bytes()
    _write(results, card, "xlm-roberta-large")
    assert card.read_bytes() == before


def test_the_folder_names_the_checkpoint(results: Path, tmp_path: Path) -> None:
    assert main(["leaderboard", str(results), "--model-card", str(tmp_path / "partial" / "README.md")]) == 0
    assert len(ModelCard.load(tmp_path / "partial" / "README.md").data.eval_results) == 12


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = "a: [b] {c} |x| <script>alert(1)<!-- 'q\""
    write(tmp_path / "results", Made(name), {"de": [True, False, True]}, average=False)
    assert main(["leaderboard", str(tmp_path / "results"), "--model-card", str(tmp_path / "README.md")]) == 0
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.model_name == name
    assert len(card.data.eval_results) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model-card", "{tmp}/README.md"), "Say so with --checkpoint"),
        (("--model-card", "{tmp}/README.md", "--checkpoint", "rum-0"), "Did you mean run-0"),
        (("--model-card", "{tmp}/bad.md", "--checkpoint", "run-0"), "is no model card"),
        (("--plots",), "--plots needs --output"),
    ],
)
def test_mistakes_are_one_sentence(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "bad.md").write_text("---\n[not: a mapping\n---\n", encoding="utf-8")
    given = [one.format(tmp=tmp_path) for one in arguments]
    assert main(["leaderboard", str(results), *given]) == 2
    assert said in capsys.readouterr().err
