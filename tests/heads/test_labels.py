"""Columns are matched by name."""

import pytest

from harness.errors import HarnessError
from harness.heads.labels import match_labels

NLI = ("contradiction", "entailment", "neutral")


def test_any_order_and_case() -> None:
    assert match_labels(("Neutral", "CONTRADICTION", "entailment"), NLI) == ("neutral", "contradiction", "entailment")
    assert match_labels(("contradictory", "neutral", "entailment"), NLI) == ("contradiction", "neutral", "entailment")
    assert match_labels(("b-per", "O"), ("B-PER", "O")) == ("B-PER", "O")


def test_numbers_that_are_the_tasks_labels_are_names() -> None:
    assert match_labels(("1", "0"), ("0", "1")) == ("1", "0")


def test_a_further_column_keeps_its_name() -> None:
    assert match_labels(("O", "B-MISC", "B-PER"), ("B-PER", "O")) == ("O", "B-MISC", "B-PER")


@pytest.mark.parametrize("own", [("LABEL_0", "LABEL_1", "LABEL_2"), ("0", "1", "2")])
def test_columns_without_names_are_refused(own) -> None:
    with pytest.raises(HarnessError, match=r"have no names .*--label-order contradiction,entailment,neutral"):
        match_labels(own, NLI)
    assert match_labels(own, NLI, order=("Entailment", "neutral", "contradiction")) == (
        "entailment",
        "neutral",
        "contradiction",
    )


def test_an_order_must_name_every_column_and_contradict_no_name() -> None:
    with pytest.raises(HarnessError, match="2 names, the head 3 columns"):
        match_labels(("LABEL_0", "LABEL_1", "LABEL_2"), NLI, order=NLI[:2])
    with pytest.raises(HarnessError, match="names of their own"):
        match_labels(NLI, NLI, order=NLI[::-1])
    assert match_labels(NLI, NLI, order=NLI) == NLI
    with pytest.raises(HarnessError, match="one column for each of neutral"):
        match_labels(("LABEL_0", "LABEL_1", "LABEL_2"), NLI, order=("contradiction", "entailment", "other"))


def test_a_label_without_a_column_is_refused_where_it_is_required() -> None:
    with pytest.raises(HarnessError, match="one column for each of neutral"):
        match_labels(("entailment", "contradiction"), NLI)
    assert match_labels(("NOUN", "VERB"), ("NOUN", "VERB", "X"), required=("NOUN", "VERB")) == ("NOUN", "VERB")


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(HarnessError, match="one column for each of neutral"):
        match_labels((*NLI, "Neutral"), NLI)
