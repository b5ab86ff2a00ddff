"""Every recipe makes an ordinary checkpoint: the loss falls, the folder loads in the base's class, what no recipe
trains is as it was."""

import json
from pathlib import Path
from statistics import fmean

import pytest
import tiny_models
import torch

import harness
from harness.checkpoint.manifest import read_manifest, read_texts
from harness.errors import HarnessError
from harness.heads.saved import saved_heads
from harness.tasks.overlap import normalised_hash
from harness.tasks.source import open_source
from harness.train.intermediate import survey
from harness.train.recipes import PAPERS_NINE, RECIPES
from harness.train.request import request_from

SMALL = {
    "device": "cpu",
    "batch_size": 8,
    "max_length": 48,
    "dev_limit": 12,
    "learning_rate": 1e-2,
    "evaluate_every": 100,
}
TINY = {"vocabulary": 400, "layers": 2, "width": 32, "heads": 2, "positions": 64}
QUESTIONS = [name for name, recipe in RECIPES.items() if recipe.asks]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A tiny BERT with its masked-language-model head."""
    return tiny_models.save_model(tmp_path_factory.mktemp("bert") / "bert", "bert", "masked-lm", layers=3)


@pytest.fixture(scope="module")
def sentence(tmp_path_factory):
    """A tiny sentence-transformers folder."""
    return tiny_models.save_sentence_model(
        tmp_path_factory.mktemp("sentence") / "sentence", style=2, prompts={"q": "q "}
    )


def make(recipe, output, base, data="bundled", **options):
    return harness.make_checkpoint(
        recipe, output, base=base and str(base), data=data, **{**SMALL, "limit": 8, "max_steps": 40, **options}
    )


def load(folder, auto="AutoModelForMaskedLM"):
    import transformers

    return getattr(transformers, auto).from_pretrained(folder, output_loading_info=True)


def head_of(model):
    """Weights above the encoder."""
    inside = {id(one) for one in model.base_model.parameters()}
    return {name: one for name, one in model.named_parameters() if id(one) not in inside}


def check(made, base, trains_head):
    """What holds for every recipe."""
    losses = made.manifest["training"]["losses"]
    assert fmean(losses[-8:]) < fmean(losses[:8]) - 0.01
    model, info = load(made.folder)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    if base is None:
        assert tiny_models.opened(made.folder).kind == "encoder-mlm"
        return
    before, _ = load(base)
    assert type(model) is type(before)
    own, old = head_of(model), head_of(before)
    assert own and all(torch.equal(own[name], old[name]) for name in old) != trains_head
    weights = zip(model.base_model.parameters(), before.base_model.parameters(), strict=True)
    assert any(not torch.equal(one, other) for one, other in weights)
    assert tiny_models.opened(made.folder).kind == tiny_models.opened(base).kind
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (made.folder / name).read_bytes() == (base / name).read_bytes()
    stated = [json.loads((folder / "config.json").read_text()) for folder in (made.folder, base)]
    assert stated[0] == stated[1]


@pytest.mark.parametrize("data", ["bundled", "shared"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_makes_an_ordinary_checkpoint(recipe, data, bert, tmp_path, request):
    folder = request.getfixturevalue("shared") / "data" if data == "shared" else data
    base, more = (None, TINY) if recipe == "mlm_scratch" else (bert, {})
    if data == "shared" and recipe not in QUESTIONS:
        more = {**more, "train_languages": ["de", "sw"]}
    made = make(recipe, tmp_path / "out", base, folder, **more)
    check(made, base, RECIPES[recipe].form == "mlm")
    heads = saved_heads(tiny_models.opened(made.folder))
    assert list(heads) == ([recipe] if recipe in QUESTIONS else [])
    scores = made.manifest["dev"][recipe]
    assert scores and all(0 <= one["score"] <= 1 for one in scores.values())
    assert not [path for path in tmp_path.iterdir() if path.name != "out"]


@pytest.mark.parametrize("recipe", ["pairs", "text_text", "mnli+pairs*0.5"])
def test_a_survey_counts_what_a_training_reads(recipe, bert, tmp_path):
    """A study's budgets are made of it."""
    options = {**SMALL, "limit": 30, "max_length": 200, "epochs": 3}
    request = request_from(recipe, tmp_path / "planned", str(bert), options)
    planned = survey(request, open_source("bundled"))
    made = make(recipe, tmp_path / "made", bert, **{**options, "max_steps": None})
    assert planned.steps == made.manifest["training"]["steps"]
    assert planned.steps * planned.tokens_per_step == pytest.approx(made.manifest["training"]["tokens"], rel=0.05)


def test_all_nine_share_one_encoder(bert, tmp_path):
    made = make("all9+mlm*0.5", tmp_path / "out", bert, max_steps=60)
    check(made, bert, trains_head=True)
    assert set(made.manifest["dev"]) == {*PAPERS_NINE, "mlm"}
    assert set(saved_heads(tiny_models.opened(made.folder))) == set(PAPERS_NINE)
    assert {one["weight"] for one in made.manifest["data"] if one["recipe"] == "mlm"} == {0.5}


def test_a_sentence_encoder_keeps_its_kind_and_pooling(sentence, tmp_path):
    made = make("mnli+pairs", tmp_path / "out", sentence)
    before, after = tiny_models.opened(sentence), tiny_models.opened(made.folder)
    assert (after.kind, after.sentence.pooling, after.sentence.prompts) == (
        "sentence-transformers",
        "mean",
        {"q": "q "},
    )
    assert after.sentence.normalise == before.sentence.normalise
    assert made.manifest["vectors"] == {"layer": 2, "pooling": "mean"}
    _, info = load(made.folder, "AutoModel")
    assert not info["missing_keys"] and not info["unexpected_keys"]


def test_lexical_changes_layers_up_to_the_chosen_one_alone(bert, tmp_path):
    made = make("lexical", tmp_path / "out", bert, layer=2, lora=4)
    before, after = load(bert)[0].state_dict(), load(made.folder)[0].state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("bert.encoder.layer.0.", "bert.encoder.layer.1.")) for name in changed)


def test_the_manifest_says_what_was_trained_on(bert, tmp_path):
    made = make("squad_v2", tmp_path / "out", bert, limit=None, max_steps=3)
    manifest = read_manifest(made.folder)
    assert manifest.names == ("SQuAD 2.0",)
    assert manifest.unknown  # nobody says what the base has read
    (data,) = manifest.record["data"]
    assert (data["train"], data["dev"], data["notes"]["unanswerable"]) == (80, 20, "32 of 80")
    assert [file["path"] for file in data["files"]] == ["squad/dev-v2.0.json", "squad/train-v2.0.json"]
    assert all(len(file["sha256"]) == 64 for file in data["files"])
    texts = read_texts(manifest)
    document = json.loads((Path(harness.__file__).parent / "data/demo/squad/train-v2.0.json").read_text("utf-8"))
    passage = document["data"][0]["paragraphs"][0]["context"]
    assert int(normalised_hash(passage), 16) in texts.exact.tolist()
    assert len(texts.grams) > 100
    (parent,) = manifest.record["parents"]
    assert parent["fingerprint"] == tiny_models.opened(bert).fingerprint


def test_a_second_training_knows_the_first_ones_data(bert, tmp_path):
    first = make("qqp", tmp_path / "first", bert, max_steps=2)
    second = make("ccg", tmp_path / "second", first.folder, max_steps=2)
    manifest = read_manifest(second.folder)
    assert manifest.names == ("CCG", "QQP")
    own, other = read_texts(manifest), read_texts(read_manifest(first.folder))
    assert set(other.exact.tolist()) < set(own.exact.tolist())
    assert tiny_models.opened(second.folder).training_data == ("CCG", "QQP")


def test_what_is_there_is_not_trained_again(bert, tmp_path):
    assert not make("qqp", tmp_path / "out", bert, max_steps=2).kept
    assert make("qqp", tmp_path / "out", bert, max_steps=2).kept
    with pytest.raises(HarnessError, match="trained with other settings"):
        make("qqp", tmp_path / "out", bert, max_steps=3)
    with pytest.raises(HarnessError, match="other recipe"):
        make("mnli", tmp_path / "out", bert, max_steps=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    with pytest.raises(HarnessError, match="holds no training"):
        make("qqp", tmp_path / "full", bert, max_steps=2)


def test_a_translated_set_is_read_where_the_folder_has_it(bert, tmp_path):
    data = tmp_path / "data"
    for code, text in (("en", "It rains {}."), ("de", "Es regnet {}.")):
        (data / "hellaswag").mkdir(parents=True, exist_ok=True)
        name = "hellaswag_train.jsonl" if code == "en" else "hellaswag_train.de.jsonl"
        rows = [
            {"ctx_a": text.format(at), "ctx_b": "", "endings": ["a", "b"], "label": at % 2, "ind": at}
            for at in range(30)
        ]
        (data / "hellaswag" / name).write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    made = make("hellaswag", tmp_path / "out", bert, data, train_languages=["deu", "en"], max_steps=2)
    assert [one["language"] for one in made.manifest["data"]] == ["de", "en"]
    with pytest.raises(HarnessError, match=r"hellaswag_train\.fr\.jsonl"):
        make("hellaswag", tmp_path / "other", bert, data, train_languages=["fr"])


def test_what_a_task_scores_is_not_trained_on(bert, tmp_path, shared):
    """53 of XQuAD's passages lie in the SQuAD file at hand."""
    made = make("squad_v2", tmp_path / "out", bert, shared / "data", limit=None, max_steps=1)
    note = made.manifest["data"][0]["notes"]["overlap"]
    assert note == "400 of 3662 training items and 100 of 403 dev items dropped"
    texts = set(read_texts(read_manifest(made.folder)).exact.tolist())
    from harness.tasks import get_task
    from harness.tasks.source import open_source

    scored = get_task("xquad").load(open_source(shared / "data"), "en", "test", None).examples
    assert not {int(normalised_hash(one.context), 16) for one in scored} & texts


@pytest.mark.parametrize(
    ("recipe", "base", "options", "message"),
    [
        ("mlm", "sentence", {}, "masked-language-model head"),
        ("mlm_scratch", "bert", {}, "makes its own base"),
        ("mnli", None, {}, "Give --base"),
        ("mnli", "bert", {"layer": 2}, "pairs and lexical alone"),
        ("pairs", "bert", {"layer": 9}, "has 3 layers"),
        ("pairs", "bert", {"corpora": ["flores"]}, "Did you mean flores200"),
        ("mnli", "bert", {"train_languages": ["xx-yy-zz"]}, "xx-yy-zz"),
        ("mnli+squad", "bert", {"data": "empty"}, r"mnli: no .*; squad_v1: no "),
        ("mnli", "bert", {"mixing": "magic"}, "no mixing"),
        ("mnli", "bert", {"colour": 3}, "Unknown setting"),
    ],
)
def test_mistakes_are_one_sentence(recipe, base, options, message, tmp_path, request):
    place = request.getfixturevalue(base) if base else None
    if options.get("data") == "empty":
        (tmp_path / "empty").mkdir()
        options = {**options, "data": tmp_path / "empty"}
    with pytest.raises(HarnessError, match=message):
        make(recipe, tmp_path / "out", place, **options)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_refused_first(bert, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(HarnessError, match="cannot be made"):
        make("qqp", tmp_path / "file" / "out", bert)


def test_a_base_copied_without_its_hashes_is_still_a_parent(bert, tmp_path):
    first = make("qqp", tmp_path / "first", bert, max_steps=1)
    (first.folder / "training.npz").unlink()
    assert read_manifest(make("ccg", tmp_path / "second", first.folder, max_steps=1).folder).names == ("CCG", "QQP")
