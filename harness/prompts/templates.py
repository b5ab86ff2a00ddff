"""Our own templates, at least three per task, written for this project and read over by hand.

English instructions around the target language's text: instructions in the target language would be translations
that nobody here can vouch for (lm-eval's XNLI asks Arabic readers for a "number" instead of a "no"). Which
template counts is chosen on English development data; the mean and the spread over all are reported."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from harness.examples import Choice, Classify, Question, Span
from harness.prompts.prompt import Options, Prompt, Template, Writing

LETTERS = "ABCDEFGHIJ"


def _pairs(form: str, words: Mapping[str, str], one: Question) -> Prompt:
    """`words` maps the task's labels to what stands for them."""
    assert isinstance(one, Classify)
    context = form.format(first=one.first.strip(), second=(one.second or "").strip())
    return Options(context, tuple(f" {word}" for word in words.values()), tuple(words))


def _passage(form: str, one: Question) -> Prompt:
    assert isinstance(one, Span)
    return Writing(form.format(context=one.context.strip(), question=one.question.strip()))


def _copa_question(one: Question) -> Prompt:
    assert isinstance(one, Choice)
    return _texts(f"{one.context.strip()}\nQuestion: {one.question}\nAnswer:", one)


def _copa_link(one: Question) -> Prompt:
    assert isinstance(one, Choice)
    link = "This happened because:" if _cause(one) else "As a result:"
    return _texts(f"{one.context.strip()} {link}", one)


def _copa_letters(one: Question) -> Prompt:
    assert isinstance(one, Choice)
    asked = "Which of the two is the cause?" if _cause(one) else "Which of the two is the effect?"
    listed = "\n".join(f"{letter}. {option.strip()}" for letter, option in zip(LETTERS, one.options, strict=False))
    places = range(len(one.options))
    context = f"Situation: {one.context.strip()}\n{asked}\n{listed}\nAnswer:"
    return Options(context, tuple(f" {LETTERS[at]}" for at in places), tuple(places))


def _texts(context: str, one: Choice) -> Options:
    return Options(context, tuple(f" {option.strip()}" for option in one.options), tuple(range(len(one.options))))


def _cause(one: Choice) -> bool:
    return "cause" in one.question


def _family(render: Callable[..., Prompt], forms: Mapping[str, tuple[object, ...]]) -> tuple[Template, ...]:
    return tuple(Template(name, partial(render, *given)) for name, given in forms.items())


_JUDGED = {"entailment": "true", "neutral": "unclear", "contradiction": "false"}
_ASKED = {"entailment": "yes", "neutral": "maybe", "contradiction": "no"}
_CHOSEN = {"entailment": "True", "neutral": "Neither", "contradiction": "False"}

XNLI = _family(
    _pairs,
    {
        "statement": ("Text: {first}\nStatement: {second}\nGiven the text, is the statement true, false or unclear?"
                      "\nAnswer:", _JUDGED),
        "follows": ("If we know that: {first}\nDoes it follow that: {second}\nyes, no or maybe?\nAnswer:", _ASKED),
        "question": ("{first}\nQuestion: {second} True, False or Neither?\nAnswer:", _CHOSEN),
    },
)  # fmt: skip

_SAME = {"0": "no", "1": "yes"}
PAWSX = _family(
    _pairs,
    {
        "meaning": ("Sentence 1: {first}\nSentence 2: {second}\nDo both sentences mean the same, yes or no?\nAnswer:",
                    _SAME),
        "paraphrase": ("First: {first}\nSecond: {second}\nIs the second a paraphrase of the first, yes or no?"
                       "\nAnswer:", _SAME),
        "compare": ("{first}\n{second}\nThe meanings of these two sentences are", {"0": "different", "1": "identical"}),
    },
)  # fmt: skip

PASSAGES = _family(
    _passage,
    {
        "copy": ("Answer the question with words copied from the passage.\nPassage: {context}\nQuestion: {question}"
                 "\nAnswer:",),
        "plain": ("{context}\nQ: {question}\nA:",),
        "after": ("Read this text:\n{context}\n\nUsing a short phrase of the text, answer: {question}\nShort answer:",),
    },
)  # fmt: skip

XCOPA = (
    Template("question", _copa_question),
    Template("link", _copa_link),
    Template("letters", _copa_letters),
)

TEMPLATES: Mapping[str, tuple[Template, ...]] = {
    "xnli": XNLI,
    "pawsx": PAWSX,
    "xquad": PASSAGES,
    "mlqa": PASSAGES,
    "xcopa": XCOPA,
}

# What a task's templates are told apart by: their words around an example.
_PROBES: Mapping[str, Question] = {
    "xnli": Classify("0", "F", "S", "neutral", "0"),
    "pawsx": Classify("0", "F", "S", "1", "0"),
    "xquad": Span("0", "Q", "C", ("A",), (-1,), "0"),
    "mlqa": Span("0", "Q", "C", ("A",), (-1,), "0"),
    "xcopa": Choice("0", "P", "What was the cause?", ("A", "B"), 0, "0"),
}


def digest(task: str, templates: Sequence[Template]) -> str:
    """16 hex digits over the wording: other words are another score."""
    rendered = [(one.name, one.render(_PROBES[task])) for one in templates]
    return hashlib.sha256(repr(rendered).encode()).hexdigest()[:16]
