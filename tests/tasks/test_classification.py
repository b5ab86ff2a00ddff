"""XNLI, PAWS-X and their training data from small files: layouts, and what is refused with file and line."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.examples import Classify
from harness.tasks import pawsx, xnli
from harness.tasks.mnli import read_mnli
from harness.tasks.pairs_tsv import read_table
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source

UPSTREAM = "language\tgold_label\tpairID\tsentence1\tsentence2\n"


def write(root: Path, name: str, text: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def pairs(*rows: str) -> str:
    return "".join(f"{row}\n".replace("|", "\t") for row in rows)


def test_xnli_keeps_quotes_and_counts_pairs_without_a_sentence(tmp_path: Path) -> None:
    text = pairs('"a ""b"""|c|neutral', '"a ""b"""||entailment').replace("\n", "\r\n")
    write(tmp_path, "xnli/test-de.tsv", text)
    loaded = xnli.TASK.load(Source(tmp_path), "de", "test", None)
    assert loaded.examples == (
        Classify("0", '"a ""b"""', "c", "neutral", "0"),
        Classify("1", '"a ""b"""', "", "entailment", "0"),
    )
    assert loaded.notes == {"pairs with an empty sentence": "1"}
    assert loaded.split == "test"


def test_a_cluster_is_three_rows_or_else_the_rows_of_a_premise(tmp_path: Path) -> None:
    def clusters(*premises: str) -> list[str]:
        write(tmp_path, "xnli/dev-de.tsv", pairs(*(f"{one}|h{at}|neutral" for at, one in enumerate(premises))))
        examples = xnli.TASK.load(Source(tmp_path), "de", "validation", None).examples
        return [one.cluster for one in examples]  # type: ignore[union-attr]

    assert clusters(*"aaabbb") == ["0", "0", "0", "3", "3", "3"]
    # Two premises translated alike stay two: the numbering must be that of the other languages.
    assert clusters(*"aaaaaa") == ["0", "0", "0", "3", "3", "3"]
    assert clusters(*"aaaab") == ["0", "0", "0", "0", "4"]
    assert clusters(*"aabbab") == ["0", "0", "2", "2", "0", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (pairs("a|b|neutral", "a|b"), "test-de.tsv, line 2: 2 tab-separated fields instead of 3"),
        (pairs("a|b|neutral", "", "a|b|neutral"), "line 2: 1 tab-separated fields"),
        (pairs("a|b|neutral", "a|b|maybe"), "line 2: unknown label 'maybe'"),
        (pairs("a|b|neutral", "a|b|Neutral"), "line 2: unknown label 'Neutral'"),
        (b"a\tb\tneutral\na\t\xff\tneutral\n", "line 2: not valid UTF-8"),
        ("", "is empty"),
    ],
)
def test_malformed_pairs_are_refused_with_file_and_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    write(tmp_path, "xnli/test-de.tsv", text)
    with pytest.raises(HarnessError, match=message):
        xnli.TASK.load(Source(tmp_path), "de", "test", None)


def test_a_blanked_file_gives_way_to_the_upstream_table(tmp_path: Path) -> None:
    write(tmp_path, "xnli/test-de.tsv", pairs("a|b", "a|c"))
    with pytest.raises(BlankedLabelsError) as without:
        xnli.TASK.load(Source(tmp_path), "de", "test", None)
    assert "--split" not in str(without.value)
    write(tmp_path, "xnli/dev-de.tsv", pairs("a|b|neutral"))
    with pytest.raises(BlankedLabelsError, match=r"--split validation scores dev-de.tsv"):
        xnli.TASK.load(Source(tmp_path), "de", "test", None)
    table = UPSTREAM + pairs("ar|neutral|1|x|y", "de|entailment|1|a|b", "de|neutral|2|a|c")
    write(tmp_path, "xnli/XNLI-1.0/xnli.test.tsv", table)
    examples = xnli.TASK.load(Source(tmp_path), "de", "test", None).examples
    assert examples == (Classify("0", "a", "b", "entailment", "0"), Classify("1", "a", "c", "neutral", "0"))
    with pytest.raises(MissingDataError, match="no rows of fr"):
        xnli.TASK.load(Source(tmp_path), "fr", "test", None)


def test_a_missing_file_names_what_was_looked_for_and_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"no test-de.tsv or XNLI-1.0/xnli.test.tsv in .*xnli$"):
        xnli.TASK.load(Source(tmp_path), "de", "test", None)
    write(tmp_path, "xnli/dev-de.tsv", pairs("a|b|neutral"))
    with pytest.raises(MissingDataError, match=r"--split validation scores dev-de.tsv"):
        xnli.TASK.load(Source(tmp_path), "de", "test", None)


MNLI_FILES = {
    "xnli/train-en.tsv": pairs("p|h|contradictory", "p|g|entailment", "p|f|neutral"),
    "xnli/XNLI-MT-1.0/multinli/multinli.train.en.tsv": pairs(
        "premise|hypo|label", "p|h|contradictory", "p|g|entailment", "p|f|neutral"
    ),
    "mnli/multinli_1.0_train.jsonl": "".join(
        json.dumps({"gold_label": label, "sentence1": "p", "sentence2": second}) + "\n"
        for second, label in (("h", "contradiction"), ("x", "-"), ("g", "entailment"), ("f", "neutral"))
    ),
    "mnli/multinli_1.0_train.txt": pairs(
        "gold_label|sentence1|sentence2|label1",
        "contradiction|p|h|n",
        "-|p|x|n",
        "entailment|p|g|n",
        "neutral|p|f|n",
    ),
    "mnli/train.tsv": pairs(
        "index|sentence1|sentence2|label1|gold_label",
        "0|p|h|neutral|contradiction",
        "1|p|g|neutral|entailment",
        "2|p|f|neutral|neutral",
    ),
    "mnli/mnli_train.json": json.dumps(
        [{"premise": "p", "hypothesis": h, "label": n} for h, n in (("h", 2), ("g", 0), ("f", 1))]
    ),
}


@pytest.mark.parametrize("name", MNLI_FILES)
def test_every_layout_of_mnli_gives_the_same_pairs(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, MNLI_FILES[name])
    examples, notes = read_mnli(Source(tmp_path), "en")
    assert [(one.id, one.first, one.second, one.label) for one in examples] == [
        ("0", "p", "h", "contradiction"),
        ("1", "p", "g", "entailment"),
        ("2", "p", "f", "neutral"),
    ]
    assert notes["training"] == f"{name}, 3 pairs"
    assert notes.get("pairs without gold or sentence") == ("1" if "multinli_1.0" in name else None)
    with pytest.raises(MissingDataError):
        read_mnli(Source(tmp_path), "de")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"premise": "p", "hypothesis": "h", "label": 3}]', "item 1: unknown label 3"),
        ('[{"premise": "p", "label": 1}]', "item 1: no hypothesis"),
        ('[\n{"premise": "p"\n', "line 3: not JSON"),
        ('{"premise": "p"}', "not a JSON list"),
    ],
)
def test_malformed_mnli_is_refused(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "mnli/mnli_train.json", text)
    with pytest.raises(HarnessError, match=message):
        read_mnli(Source(tmp_path), "en")


def test_xnli_without_a_dev_set_holds_premises_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        "xnli/train-de.tsv",
        pairs(*(f"p{at // 3}|h{at}|neutral" for at in range(300)), "|h|neutral"),
    )
    training = xnli.train(Source(tmp_path), "de")
    assert len(training.train) + len(training.dev) == 300
    premises = [{one.first for one in part} for part in (training.train, training.dev)]  # type: ignore[union-attr]
    assert not premises[0] & premises[1]
    assert premises[1]
    assert training.notes["selected_on"] == "a tenth held out by hash"


def x_final(*rows: str) -> str:
    return pairs("id|sentence1|sentence2|label", *rows)


def test_pawsx_upstream_equals_xtremes_layout(tmp_path: Path) -> None:
    write(tmp_path, "a/pawsx/test-ko.tsv", pairs("a|b|1", "NS|d|0"))
    write(tmp_path, "b/pawsx/x-final/ko/test_2k.tsv", x_final("1|a|b|1", "2|NS|d|0"))
    loaded = [pawsx.TASK.load(Source(tmp_path / one), "ko", "test", None) for one in "ab"]
    assert loaded[0] == loaded[1]
    assert loaded[0].examples == (Classify("0", "a", "b", "1", "0"), Classify("1", "NS", "d", "0", "1"))


def test_pawsx_refuses_a_repeated_id_and_a_wrong_header(tmp_path: Path) -> None:
    path = write(tmp_path, "pawsx/x-final/ko/test_2k.tsv", x_final("1|a|b|1", "2|c|d|0", "1|e|f|0"))
    with pytest.raises(HarnessError, match="line 4: the id 1 stands in line 2 too"):
        pawsx.TASK.load(Source(tmp_path), "ko", "test", None)
    path.write_text(x_final("1|a|b|1", "2|c|d"))
    with pytest.raises(HarnessError, match="line 3: 3 tab-separated fields instead of 4"):
        pawsx.TASK.load(Source(tmp_path), "ko", "test", None)
    path.write_text(pairs("id|sentence1|label", "1|a|1"))
    with pytest.raises(HarnessError, match="line 1: no column sentence2"):
        pawsx.TASK.load(Source(tmp_path), "ko", "test", None)


def test_paws_qqp_loses_its_wrapping(tmp_path: Path) -> None:
    rows = r"""1|b'It\xe2\x80\x99s'|b"it's"|0""", "2|plain|b'x'|1"
    path = write(tmp_path, "paws_qqp/paws_train.tsv", x_final(*rows).replace("\n", "\r\n"))
    training = pawsx.train(Source(tmp_path), "en")
    both = sorted((*training.train, *training.dev), key=lambda one: one.id)
    assert [(one.first, one.second, one.label) for one in both] == [  # type: ignore[union-attr]
        ("It’s", "it's", "0"),
        ("plain", "x", "1"),
    ]
    assert training.name == "PAWS-QQP"
    with pytest.raises(MissingDataError):
        pawsx.train(Source(tmp_path), "de")
    path.write_text(x_final(r"1|b'\xff'|b'x'|1"))
    with pytest.raises(HarnessError, match=r"line 2: .* no byte literal"):
        pawsx.train(Source(tmp_path), "en")


def test_pawsx_prefers_its_own_training_data(tmp_path: Path) -> None:
    write(tmp_path, "paws_qqp/paws_train.tsv", x_final("1|b'q'|b'q'|1", "2|b'r'|b'r'|1"))
    write(tmp_path, "pawsx/x-final/en/train.tsv", x_final("1|a|b|1", "2|c|d|0"))
    write(tmp_path, "pawsx/dev-en.tsv", pairs("e|f|1"))
    training = pawsx.train(Source(tmp_path), "en")
    assert (training.name, len(training.train), len(training.dev)) == ("PAWS-X", 2, 1)
    assert "stand-in" not in training.notes


def test_a_table_takes_the_first_name_that_is_a_column(tmp_path: Path) -> None:
    path = write(tmp_path, "t.tsv", pairs("label|b|gold_label", "x|y|z"))
    assert read_table(path, [("gold_label", "label"), ("a", "b")]) == [(2, ["z", "y"])]
