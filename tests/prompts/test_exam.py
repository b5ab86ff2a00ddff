"""MMLU's original prompt letter by letter, shots of the subject, rotations, and answer texts."""

from harness.examples import Choice
from harness.prompts.exam import ENGLISH, NATIVE, STYLES, Put, shots_by_subject

ONE = Choice("x/test/0", "", "What is 2 + 2? ", ("3", "4", "5", "6"), 1, "x", "abstract_algebra")
SHOTS = [
    Choice(f"{subject}/dev/{number}", "", f"Is {number} {subject}?", ("a", "b", "c", "d"), number % 4, "c", subject)
    for number in range(6)
    for subject in ("anatomy", "abstract_algebra")
]


def put(task: str = "mmlu", count: int = 0, words: str = "en") -> Put:
    return Put(STYLES[task], NATIVE[words], shots_by_subject(SHOTS, count))


def test_the_original_prompt() -> None:
    found = put().lettered(ONE)
    assert found.context == (
        "The following are multiple choice questions (with answers) about abstract algebra.\n\n"
        "What is 2 + 2?\nA. 3\nB. 4\nC. 5\nD. 6\nAnswer:"
    )
    assert found.continuations == (" A", " B", " C", " D")
    assert found.answers == (0, 1, 2, 3)


def test_shots_are_of_the_subject_in_file_order_and_share_a_beginning() -> None:
    with_shots = put(count=2)
    context = with_shots.lettered(ONE).context
    assert "anatomy" not in context
    assert context.index("Is 0 abstract_algebra?") < context.index("Is 1 abstract_algebra?")
    assert "Is 1 abstract_algebra?\nA. a\nB. b\nC. c\nD. d\nAnswer: B\n\nWhat is 2 + 2?" in context
    assert "Is 2 abstract_algebra?" not in context
    assert context.startswith(with_shots.beginning(ONE, True))


def test_fewer_shots_than_asked_for_are_what_is_there() -> None:
    assert [len(shots_by_subject(SHOTS, count).get("anatomy", ())) for count in (0, 3, 9)] == [0, 3, 6]


def test_rotations_put_every_option_at_every_letter() -> None:
    seen = set()
    for shift in range(4):
        found = put().lettered(ONE, shift)
        first = ONE.options[int(found.answers[0])]
        assert f"A. {first}\n" in found.context
        seen |= set(zip(found.continuations, found.answers, strict=True))
    assert len(seen) == 16


def test_answer_texts_are_not_listed() -> None:
    found = put(count=1).texts(ONE)
    assert found.context.endswith("What is 2 + 2?\nAnswer:")
    assert "Is 0 abstract_algebra?\nAnswer: a\n\n" in found.context
    assert found.continuations == (" 3", " 4", " 5", " 6")
    assert put().alone(ONE).context == ENGLISH.answer


def test_stories_and_passages() -> None:
    story = Choice("0", "He ran. He fell.", "", ("He cried.", "He flew."), 0, "0")
    assert put("xstorycloze").texts(story).context == "He ran. He fell."
    assert put("xstorycloze").alone(story).context == ""
    passage = Choice("0", "Anna came.", "Who came?", ("Anna", "Ben"), 0, "0")
    assert put("belebele").lettered(passage).context == "Anna came.\nWho came?\nA. Anna\nB. Ben\nAnswer:"


def test_native_words_stand_in_front() -> None:
    assert put(words="de").lettered(ONE).context.endswith("\nAntwort:")
    assert all("{subject}" in one.header for one in NATIVE.values())
