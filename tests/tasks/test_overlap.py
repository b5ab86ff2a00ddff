"""Training never sees what is scored: the hash, what is dropped, what is held out."""

from pathlib import Path

import pytest

from harness.examples import Choice, Classify, Question, Span, Tag
from harness.tasks import mlqa, udpos, xnli, xquad
from harness.tasks.any_language import any_language
from harness.tasks.overlap import contexts, drop_overlap, evaluated_texts, normalised_hash, texts
from harness.tasks.selection import hold_out, select_on
from harness.tasks.source import Source
from harness.tasks.task import Training


def span(one: str, context: str) -> Span:
    return Span(one, "q", context, ("a",), (0,), "0")


def training(train: tuple[Question, ...], dev: tuple[Question, ...]) -> Training:
    return Training("name", train, dev, "data", {"kept": "note"})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The Panthers' defence, 2015.", "the panthers defence 2015", True),
        ("ＡＢＣ１", "abc1", True),
        ("Straße", "STRASSE", True),
        ("a\u200bb\u00a0c\n", "abc", True),
        ("中文。", "中文", True),
        ("की", "क", False),
        ("a+b", "ab", False),
        ("?!", "...", False),
        ("", "...", False),
        ("abc", "abd", False),
    ],
)
def test_the_hash_ignores_case_width_space_and_punctuation(one: str, other: str, same: bool) -> None:
    assert (normalised_hash(one) == normalised_hash(other)) is same


def test_what_may_not_be_shared() -> None:
    assert texts(span("0", "passage")) == ("passage",)
    assert texts(Tag("0", ("a", "b"), ("X", "X"), "0")) == ("a b",)
    assert texts(Classify("0", "p", "h", "neutral", "0")) == ("p", "h")
    assert texts(Classify("0", "p", None, "x", "0")) == ("p",)
    assert texts(Choice("0", "premise", "q", ("a", "b"), 0, "0")) == ("premise",)
    assert texts(Choice("0", "", "stem", ("a", "b"), 0, "0")) == ("stem",)
    assert contexts([span("0", "A."), span("1", "a")]) == {normalised_hash("a")}


def test_shared_passages_go_from_training_and_selection() -> None:
    given = training((span("0", "One."), span("1", "Two."), span("2", "six")), (span("3", "TWO"), span("4", "three")))
    cleaned, dropped = drop_overlap(given, [[span("x", "one")], [span("y", "two")]])
    assert dropped == 3
    assert [one.id for one in (*cleaned.train, *cleaned.dev)] == ["2", "4"]
    assert cleaned.notes == {
        "kept": "note",
        "overlap": "2 of 3 training items dropped, 1 of 2 to select on, 2 texts shared",
    }
    assert cleaned.data != given.data


def test_an_evaluated_selection_set_stays_and_is_said() -> None:
    given = training((span("0", "one"), span("1", "two")), (span("2", "two"),))
    cleaned, dropped = drop_overlap(given, [[span("x", "two"), span("y", "four")]])
    assert dropped == 1
    assert (cleaned.train, cleaned.dev) == ((span("0", "one"),), given.dev)
    assert "the selection set is evaluated" in cleaned.notes["overlap"]


def test_nothing_shared_changes_nothing_but_the_note_and_all_may_go() -> None:
    given = training((span("0", "one"),), (span("1", "two"),))
    cleaned, dropped = drop_overlap(given, [])
    assert (dropped, cleaned.train, cleaned.dev) == (0, given.train, given.dev)
    assert cleaned.notes["overlap"].startswith("0 of 1 training items dropped")
    assert drop_overlap(given, [[span("x", "ONE!")]])[0].train == ()


def test_either_sentence_of_a_pair_is_enough() -> None:
    pairs = tuple(Classify(str(at), f"p{at}", f"h{at}", "0", "0") for at in range(3))
    cleaned, dropped = drop_overlap(training(pairs, ()), [[Classify("0", "h0", "p2", "0", "0")]])
    assert (dropped, [one.id for one in cleaned.train]) == (2, ["1"])


def test_a_passage_is_held_out_as_a_whole_and_whatever_else_is_there() -> None:
    examples = tuple(span(str(at), f"passage {at // 3}") for at in range(600))
    train, dev = hold_out(examples)
    assert len(train) + len(dev) == 600
    assert 30 <= len(dev) <= 90
    assert not contexts(train) & contexts(dev)
    assert hold_out(examples[:300]) == (
        tuple(one for one in train if int(one.id) < 300),
        tuple(one for one in dev if int(one.id) < 300),
    )
    assert [len(part) for part in hold_out(examples[:6])] == [3, 3]
    given = select_on("name", examples, (examples[:1], "what"), {})
    assert (given.dev, given.notes) == (examples[:1], {"selected_on": "what"})


def test_a_language_is_accepted_in_its_shortest_form_and_a_pair_is_not() -> None:
    assert all(map(any_language, ("de", "sw", "zh", "qu", "ht")))
    assert not any(map(any_language, ("deu", "de-en", "en-de", "xx", "")))


def test_all_evaluated_sets_of_a_task_are_read_once(shared: Path) -> None:
    source = Source(shared / "data")
    assert [len(one) for one in evaluated_texts(source, xquad.TASK)] == [1190] * 5
    assert [len(one) for one in evaluated_texts(source, xnli.TASK)] == [2490] * 7
    assert sorted(len(one) for one in evaluated_texts(source, mlqa.TASK)) == [
        161,
        161,
        188,
        500,
        504,
        512,
        512,
        512,
        1148,
    ]
    assert sorted(len(one) for one in evaluated_texts(source, udpos.TASK)) == [
        416,
        427,
        500,
        909,
        977,
        1000,
        2077,
        2903,
        3974,
    ]


def test_squad_loses_what_xquad_translates(shared: Path) -> None:
    source = Source(shared / "data")
    given = xquad.TASK.train(source, "en")  # type: ignore[misc]
    passages = contexts((*given.train, *given.dev))
    scored = xquad.TASK.load(source, "en", "test", None).examples
    hit = [one for one in scored if contexts([one]) <= passages]  # type: ignore[list-item, union-attr]
    assert (len({one.cluster for one in hit}), len(hit)) == (53, 230)  # type: ignore[union-attr]
    cleaned, dropped = drop_overlap(given, evaluated_texts(source, xquad.TASK))
    assert dropped == 225
    assert "53 texts shared" in cleaned.notes["overlap"]
    assert not contexts((*cleaned.train, *cleaned.dev)) & contexts(scored)  # type: ignore[arg-type]
    assert len(cleaned.train) + len(cleaned.dev) == 1910 - 225


def test_tagged_training_sentences_of_dev_go_and_dev_stays(shared: Path) -> None:
    source = Source(shared / "data")
    cleaned, dropped = drop_overlap(udpos.train(source, "en"), evaluated_texts(source, udpos.TASK))
    assert (dropped, len(cleaned.train), len(cleaned.dev)) == (379, 4621, 3974)
