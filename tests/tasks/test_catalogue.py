"""Every catalogue entry is pinned, and what it writes is what the task's own reader reads."""

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks import NAMES, catalogue, get_task, hub_counts, official
from harness.tasks.conllu import UPOS
from harness.tasks.data_set import HubSet, OriginalSet, Part, Table
from harness.tasks.panx import LABELS
from harness.tasks.source import Source
from harness.tasks.squad_json import read_squad
from harness.tasks.tagged import read_tagged

PARTS = [
    entry.part(code, split) for entry in catalogue.ENTRIES for split, codes in entry.languages.items() for code in codes
]
ANSWERS = [{"text": ["six"], "answer_start": [4]}, {"text": ["ate"], "answer_start": [8]}]
# Read from local files alone: no pin of these is known.
LOCAL = {"m_mmlu", "xstorycloze", "image_text_retrieval", "lexical_alignment"}
# Tasks that read another's files.
SHARED = {"flores200_mt"}
# One small table per kind of columns: what the hub would give for two rows.
ROWS: Mapping[str, Sequence[Any]] = {
    "premise": ["A cat.", 'He said "no".'],
    "hypothesis": ["An animal.", "He spoke."],
    "sentence1": ["A cat.", 'He said "no".'],
    "sentence2": ["An animal.", "He spoke."],
    "tokens": [["Ada", "sleeps"], ["Go"]],
    "pos_tags": [[UPOS.index("PROPN"), UPOS.index("VERB")], [UPOS.index("VERB")]],
    "ner_tags": [[1, 0], [0]],
    "label": [0, 1],
    "title": ["T", "T"],
    "context": ["The six ate.", "The six ate."],
    "question": ["How many?", "What?"],
    "answers": ANSWERS,
    "id": ["q1", "q2"],
    "choice1": ["a", "b"],
    "choice2": ["c", "d"],
    "idx": [0, 1],
    "changed": [False, True],
}


def columns(part: Part, **changes: Sequence[Any]) -> dict[str, Sequence[Any]]:
    rows = {**ROWS, **changes}
    return {name: rows[name] for name in part.columns}


def put(part: Part, texts: Sequence[str], root: Path) -> Source:
    for name, text in zip(part.files, texts, strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8", newline="")
    return Source(root)


def part_of(name: str, language: str, split: str) -> Part:
    (found,) = [
        entry.part(language, split)
        for entry in catalogue.entries(name)
        if isinstance(entry, HubSet) and language in entry.languages.get(split, ())
    ]
    return found


def test_there_are_entries_for_every_task() -> None:
    assert len(catalogue.ENTRIES) >= 18
    assert {entry.name for entry in catalogue.ENTRIES} >= set(NAMES) - LOCAL - SHARED


@pytest.mark.parametrize("name", sorted(LOCAL))
def test_what_cannot_be_fetched_says_so(name: str) -> None:
    assert "give the official files with --data" in catalogue.elsewhere(get_task(name))


@pytest.mark.parametrize("entry", catalogue.ENTRIES, ids=lambda entry: f"{entry.name}-{entry.where[:20]}")
def test_hub_pins_are_commits_and_everything_states_a_licence(entry: catalogue.Entry) -> None:
    assert entry.licence
    assert all(entry.languages.values())
    if isinstance(entry, HubSet):
        assert re.fullmatch(r"[0-9a-f]{40}", entry.revision)
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.hub)
        assert set(entry.languages) <= set(entry.splits)
    else:
        assert isinstance(entry, OriginalSet)
        assert entry.url(next(iter(entry.languages["validation"]))).startswith("https://")


def test_no_file_is_written_by_two_parts() -> None:
    files = Counter(name for part in PARTS for name in part.files)
    assert len(files) > 600
    assert not [name for name, count in files.items() if count > 1]


def test_hub_udpos_never_passes_for_xtremes() -> None:
    assert [entry.where for entry in catalogue.entries("udpos")] == ["lindat.mff.cuni.cz, 11234/1-3105"]
    files = {name for part in PARTS for name in part.files if isinstance(part.origin, Table)}
    assert not [name for name in files if name.startswith("udpos/")]
    assert [name for name in files if name.startswith("udpos_hub/")]


def test_counts_of_mlqa() -> None:
    # Those of the files that XTREME's own folders hold (DATA.md of the shared data).
    known = {"en": 1148, "ar-es": 161, "de": 512, "es": 500, "zh": 504, "en-de": 512, "de-en": 512, "zh-ar": 188}
    assert {code: hub_counts.mlqa(code, "validation") for code in known} == known
    assert hub_counts.mlqa("en-zh", "test") == hub_counts.mlqa("zh", "test") == 5137
    assert len({part.language for part in PARTS if part.name == "mlqa"}) == 49


def test_counts_of_the_other_tables() -> None:
    assert part_of("xnli", "sw", "test").rows == 5010
    assert part_of("panx", "ta", "train").rows == 15000
    assert part_of("panx", "qu", "train").rows is None
    assert part_of("tatoeba", "jv", "test").rows == 205
    assert part_of("tatoeba", "nl", "test").rows == 1000
    assert part_of("udpos_hub", "kk", "test").rows == 1047
    assert "kk" not in {part.language for part in PARTS if part.name == "udpos_hub" and part.split == "validation"}
    origin = part_of("tydiqa", "sw", "train").origin
    assert isinstance(origin, Table)
    assert (origin.rows, origin.config) == (49881, "secondary_task")


@pytest.mark.parametrize(
    ("name", "language", "split"),
    [
        ("xnli", "de", "test"),
        ("pawsx", "fr", "validation"),
        ("panx", "sw", "test"),
        ("xcopa", "et", "validation"),
        ("xquad", "ru", "test"),
        ("mlqa", "de-en", "test"),
        ("mlqa", "hi", "validation"),
    ],
)
def test_the_tasks_reader_reads_what_is_written(name: str, language: str, split: str, tmp_path: Path) -> None:
    part = part_of(name, language, split)
    questions = {"question": ["cause", "effect"]} if name == "xcopa" else {}
    assert part.write is not None
    source = put(part, part.write(columns(part, **questions)), tmp_path)
    loaded = get_task(name).load(source, language, split, None)
    assert loaded.count == 2
    assert loaded.split == split


def test_labels_keep_their_names(tmp_path: Path) -> None:
    part = part_of("xnli", "de", "test")
    assert part.write is not None
    (text,) = part.write(columns(part, label=[0, 2]))
    # As XTREME writes: a sentence that holds quotes is wrapped, its quotes doubled.
    assert text == 'A cat.\tAn animal.\tentailment\n"He said ""no""."\tHe spoke.\tcontradiction\n'
    loaded = get_task("xnli").load(put(part, (text,), tmp_path), "de", "test", None)
    assert [one.label for one in loaded.examples] == ["entailment", "contradiction"]  # type: ignore[union-attr]


def test_training_data_are_read(tmp_path: Path) -> None:
    for name, task in (("squad", "xquad"), ("mnli", "xnli")):
        part = part_of(name, "en", "train")
        assert part.write is not None
        put(part, part.write(columns(part, context=["The six ate.", "He ate six."])), tmp_path)
        train = get_task(task).train
        assert train is not None
        trained = train(Source(tmp_path), "en")
        assert len(trained.train) + len(trained.dev) == 2


def test_commonsense_training_data_are_read(tmp_path: Path) -> None:
    train = get_task("xcopa").train
    assert train is not None
    choices = [{"label": ["A", "B"], "text": ["one", "two"]}] * 2
    part = part_of("commonsenseqa", "en", "train")
    own = {"question_concept": ["c", "c"], "choices": choices, "answerKey": ["A", "B"]}
    assert part.write is not None
    put(part, part.write(columns(part, **own)), tmp_path)
    assert "commonsenseqa" in train(Source(tmp_path), "en").notes["training"]
    social = {"answerA": ["a", "b"], "answerB": ["c", "d"], "answerC": ["e", "f"], "label": ["1", "3"]}
    part = part_of("siqa", "en", "train")
    assert part.write is not None
    put(part, part.write(columns(part, **social)), tmp_path)
    part = part_of("copa", "en", "train")
    assert part.write is not None
    put(part, part.write(columns(part, question=["cause", "effect"])), tmp_path)
    notes = train(Source(tmp_path), "en").notes
    assert "siqa" in notes["training"]
    assert "xcopa/train.en.jsonl" in notes["training"]
    assert "stand-in" not in notes


def test_tatoeba_takes_its_language_alone(tmp_path: Path) -> None:
    part = part_of("tatoeba", "de", "test")
    found = {
        "sentence1": ["eins", "un", "zwei\n"],
        "sentence2": ["one", "one", "two"],
        "lang": ["deu-eng", "fra-eng", "deu-eng"],
    }
    assert part.select is not None
    assert part.write is not None
    chosen = part.select(found)
    assert chosen == [0, 2]
    own = {name: [values[row] for row in chosen] for name, values in found.items()}
    loaded = get_task("tatoeba").load(put(part, part.write(own), tmp_path), "de", "test", None)
    assert [(one.row, one.source, one.target) for one in loaded.examples] == [(0, "one", "eins"), (1, "two", "zwei")]  # type: ignore[union-attr]


def test_tydiqa_takes_its_language_by_the_id() -> None:
    part = part_of("tydiqa", "sw", "test")
    assert part.select is not None
    assert part.files == ("tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.sw.dev.json",)
    assert part.select({"id": ["swahili-1-0", "english-1-0", "swahili-2-1"]}) == [0, 2]


def test_bucc_test_sides(tmp_path: Path) -> None:
    found = {"sentence1": [["eins", "zwei", "drei"]], "sentence2": [["two", "one"]], "gold": [[[2, 1], [1, 2]]]}
    texts = official.comparable(found, "de", 2)
    assert texts[0] == "de-000000001\teins\nde-000000002\tzwei\nde-000000003\tdrei\n"
    assert texts[2] == "de-000000002\ten-000000001\nde-000000001\ten-000000002\n"
    with pytest.raises(HarnessError, match="2 gold pairs instead of 3"):
        official.comparable(found, "de", 3)


def test_text_that_would_break_the_file_is_refused() -> None:
    with pytest.raises(HarnessError, match="row 1"):
        official.lines({"de": ["eins", "zw\nei"]})
    with pytest.raises(HarnessError, match="tab"):
        official.pairs({"a": ["x\ty"], "b": ["z"], "label": [0]}, official.XNLI)
    with pytest.raises(HarnessError, match="no label"):
        official.pairs({"a": ["x"], "b": ["z"], "label": [-1]}, official.XNLI)


def test_pawsx_is_the_official_file(shared: Path) -> None:
    path = shared / "data" / "pawsx" / "dev-de.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    found = {
        "sentence1": [row[0] for row in rows],
        "sentence2": [row[1] for row in rows],
        "label": [int(row[2]) for row in rows],
    }
    assert official.pairs(found, ("0", "1"))[0].encode() == path.read_bytes()


def test_panx_is_the_official_file(shared: Path) -> None:
    path = shared / "data" / "panx" / "dev-sw.tsv"
    sentences = read_tagged(path, LABELS)
    tags = [[official.NER.index(tag) for tag in one.tags] for one in sentences]
    (text,) = official.tagged({"tokens": [list(one.words) for one in sentences], "ner_tags": tags}, official.NER)
    assert text.encode() == path.read_bytes()


def test_xquad_has_the_official_questions(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "xquad" / "xquad.de.json"
    rows = read_squad(path)
    answers = [{"text": [t for t, _ in one.answers], "answer_start": [s for _, s in one.answers]} for one in rows]
    names = ("id", "context", "question")
    found = {name: [getattr(one, name) for one in rows] for name in names} | {"answers": answers}
    (text,) = official.squad(found)
    document = json.loads(text)
    assert len(document["data"]) == 1
    assert len(document["data"][0]["paragraphs"]) == 240
    (tmp_path / "xquad.json").write_text(text, encoding="utf-8")
    assert read_squad(tmp_path / "xquad.json") == rows


def test_what_a_task_needs() -> None:
    def names(parts: Sequence[Part]) -> list[str]:
        return [name for part in parts for name in part.files]

    flores = names(catalogue.evaluated(get_task("flores200"), "de-fr", "test"))
    assert flores == ["flores200/devtest/deu_Latn.devtest", "flores200/devtest/fra_Latn.devtest"]
    assert names(catalogue.evaluated(get_task("flores200"), "de", "test"))[0] == "flores200/devtest/eng_Latn.devtest"
    # The threshold is tuned on dev.
    bucc = names(catalogue.evaluated(get_task("bucc2018"), "de", "test"))
    assert {"bucc2018/de-en.dev.gold", "bucc2018/de-en.test.gold"} <= set(bucc)
    assert names(catalogue.evaluated(get_task("bucc2018"), "de", "validation")) == bucc[:3]
    # One evaluated split, whatever was asked for.
    assert names(catalogue.evaluated(get_task("xquad"), "de", "validation")) == ["xquad/xquad.de.json"]
    assert names(catalogue.training(get_task("mlqa"), "en")) == ["squad/train-v1.1.json", "squad/dev-v1.1.json"]
    assert catalogue.training(get_task("mlqa"), "de") == ()
    assert names(catalogue.training(get_task("tatoeba"), "en")) == []
    assert "XTREME's dev sides" in catalogue.elsewhere(get_task("bucc2018"))
