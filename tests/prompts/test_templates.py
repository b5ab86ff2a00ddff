"""Our templates: what a model reads, and what stands for each answer."""

import pytest

from harness.examples import Choice, Classify, Span
from harness.prompts.prompt import Options, Writing
from harness.prompts.templates import TEMPLATES, digest
from harness.tasks import get_task

CHOICE = Choice("0", "Der Mann fiel.", "What was the cause?", ("Es war glatt.", "Er lachte."), 0, "0")


@pytest.mark.parametrize("task", sorted(TEMPLATES))
def test_at_least_three_with_different_names_and_words(task: str) -> None:
    templates = TEMPLATES[task]
    assert len({one.name for one in templates}) == len(templates) >= 3
    assert len({digest(task, [one]) for one in templates}) == len(templates)


@pytest.mark.parametrize("task", ["xnli", "pawsx"])
def test_every_label_has_one_word_of_its_own(task: str) -> None:
    example = Classify("0", "Erster Satz.", "Zweiter Satz.", get_task(task).labels[0], "0")
    for template in TEMPLATES[task]:
        prompt = template.render(example)
        assert isinstance(prompt, Options)
        assert sorted(map(str, prompt.answers)) == sorted(get_task(task).labels)
        assert len(set(prompt.continuations)) == len(prompt.answers)
        assert prompt.context.index("Erster Satz.") < prompt.context.index("Zweiter Satz.")
        assert all(word.startswith(" ") for word in prompt.continuations)
        assert prompt.context == prompt.context.rstrip()


def test_passages_ask_for_a_line() -> None:
    example = Span("0", "Wer?", "Anna kam.", ("Anna",), (0,), "0")
    for template in TEMPLATES["xquad"]:
        prompt = template.render(example)
        assert isinstance(prompt, Writing)
        assert prompt.stops == ("\n",)
        assert "Anna kam." in prompt.context
        assert "Wer?" in prompt.context


def test_causes_and_effects() -> None:
    effect = Choice("1", "Es war glatt.", "What was the effect?", ("Er fiel.", "Er lachte."), 0, "1")
    by_name = {one.name: one for one in TEMPLATES["xcopa"]}
    link = by_name["link"]
    assert link.render(CHOICE).context == "Der Mann fiel. This happened because:"
    assert link.render(effect).context == "Es war glatt. As a result:"
    letters = by_name["letters"].render(CHOICE)
    assert isinstance(letters, Options)
    assert letters.continuations == (" A", " B")
    assert letters.answers == (0, 1)
    assert "A. Es war glatt.\nB. Er lachte." in letters.context
