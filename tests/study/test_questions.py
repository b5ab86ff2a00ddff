"""What a study asks follows from what its rows are made of, not from what they are called."""

from harness.report.study.estimand import PRIMARY, TO_REFERENCE, Control
from harness.study.questions import controls, doubts, questions
from harness.study.request import parse_rows


def rows(*names):
    return parse_rows(names)[0]


def asked(*names, treatment=None):
    own = questions(rows(*names), treatment, "none")
    return [(one.treatment, one.against, one.text) for one in own]


def test_the_row_that_sees_images_is_the_treatment():
    mixture = "image_text+mlm_captions*0.5"
    assert asked("none", "text_text", mixture) == [(mixture, ("text_text",), PRIMARY)]
    assert asked("none", "mlm", "all=image_text") == [("all", ("mlm",), PRIMARY)]
    assert asked("mlm", "image_text", "a=image_text+mlm")[0][0] == "image_text"
    assert asked("mlm", "image_text_random") == [(one, ("none",), TO_REFERENCE) for one in ("mlm", "image_text_random")]


def test_of_several_rows_none_is_chosen_and_that_is_said():
    names = ("mlm", "a=image_text", "b=image_text+mlm")
    assert [one[2] for one in asked(*names)] == [TO_REFERENCE] * 3
    (said,) = doubts(rows(*names), {}, None)
    assert said.startswith("a and b see images: --treatment")
    assert not doubts(rows(*names), {}, "b") and not doubts(rows("mlm", "a=image_text"), {}, None)


def test_vision_and_pivoting_are_of_rows_that_differ_in_the_anchor_alone():
    names = [
        f"{one}=image_text{two}+mlm_captions*0.5" for one, two in (("i", ""), ("r", "_random"), ("s", "_shuffled"))
    ]
    every = rows(*names, "image_text_random")
    assert controls(every, {}) == [Control("vision", "i", "r"), Control("pivoting", "r", "s")]
    assert not doubts(every, {}, None)
    same = {"layer": 3}
    assert len(controls(every, {"i": same, "r": same, "s": same})) == 2
    assert controls(every, {"i": same}) == [Control("pivoting", "r", "s")]
    (said,) = doubts(every, {"i": same}, None)
    assert said.startswith("no vision number: i and r, image_text_random differ in more")
    assert not controls(rows("image_text*2+mlm", "image_text_random+mlm"), {})
