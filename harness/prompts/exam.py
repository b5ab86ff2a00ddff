"""How an exam's question is put: MMLU's original prompt (Hendrycks et al. 2021), in letters or in answer texts.

A prompt is the subject line, k solved questions of the same subject in file order, and the question. Traps:
lm-eval's m_mmlu takes the first k of all subjects, its mmmlu takes shots from the test set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.examples import Choice
from harness.prompts.prompt import Options

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class Wording:
    """`header` with a place for the subject, and the word before the answer."""

    header: str
    answer: str


ENGLISH = Wording("The following are multiple choice questions (with answers) about {subject}.", "Answer:")
# Subjects are named in English in all of them: there is no reviewed translation of the 57 names.
NATIVE: Mapping[str, Wording] = {
    "en": ENGLISH,
    "de": Wording("Im Folgenden stehen Multiple-Choice-Fragen (mit Antworten) zum Thema {subject}.", "Antwort:"),
    "es": Wording("A continuación hay preguntas de opción múltiple (con respuestas) sobre {subject}.", "Respuesta:"),
    "fr": Wording("Voici des questions à choix multiples (avec réponses) sur {subject}.", "Réponse :"),
    "it": Wording("Di seguito sono riportate domande a scelta multipla (con risposte) su {subject}.", "Risposta:"),
    "pt": Wording("A seguir estão questões de múltipla escolha (com respostas) sobre {subject}.", "Resposta:"),
    "ru": Wording("Ниже приведены вопросы с вариантами ответов (и ответами) на тему {subject}.", "Ответ:"),
    "zh": Wording("以下是关于{subject}的单项选择题（附答案）。", "答案："),
}


@dataclass(frozen=True)
class Style:
    """`letters`: whether options are lettered at all; `header`: whether a subject line stands in front."""

    letters: bool = True
    header: bool = True


STYLES: Mapping[str, Style] = {
    **dict.fromkeys(("mmlu", "mmmlu", "global_mmlu", "global_mmlu_lite", "m_mmlu", "mmlu_prox"), Style()),
    "belebele": Style(header=False),
    "xstorycloze": Style(letters=False, header=False),
}


@dataclass(frozen=True)
class Put:
    """How questions are put: the style, the words, and the solved questions of each subject."""

    style: Style
    words: Wording
    shots: Mapping[str, tuple[Choice, ...]]

    def beginning(self, one: Choice, letters: bool) -> str:
        """Everything before the question: the same text for all questions of a subject."""
        subject = one.subject.replace("_", " ")
        parts = [self.words.header.format(subject=subject)] if self.style.header and subject else []
        for shot in self.shots.get(one.subject, ()):
            right = LETTERS[shot.answer] if letters else shot.options[shot.answer].strip()
            parts.append(f"{self.question(shot, letters)} {right}")
        return "".join(f"{part}\n\n" for part in parts)

    def question(self, one: Choice, letters: bool, order: Sequence[int] | None = None) -> str:
        """The question alone, up to where the answer comes."""
        lines = [part for part in (one.context.strip(), one.question.strip()) if part]
        if not self.style.letters:
            return " ".join(lines)
        if letters:
            order = range(len(one.options)) if order is None else order
            lines += [f"{LETTERS[place]}. {one.options[at].strip()}" for place, at in enumerate(order)]
        return "\n".join([*lines, self.words.answer])

    def lettered(self, one: Choice, shift: int = 0) -> Options:
        """The letters as answers; `shift` turns the options round: the first of them is option `shift`."""
        count = len(one.options)
        order = [(place + shift) % count for place in range(count)]
        context = self.beginning(one, True) + self.question(one, True, order)
        return Options(context, tuple(f" {LETTERS[place]}" for place in range(count)), tuple(order))

    def texts(self, one: Choice) -> Options:
        """The options' texts as answers, none of them listed before."""
        context = self.beginning(one, False) + self.question(one, False)
        return Options(context, texts_of(one), tuple(range(len(one.options))))

    def alone(self, one: Choice) -> Options:
        """The same texts with no question before them, whose probabilities PMI divides by (Holtzman et al. 2021)."""
        return Options(self.words.answer if self.style.letters else "", texts_of(one), tuple(range(len(one.options))))


def texts_of(one: Choice) -> tuple[str, ...]:
    """The options as continuations; an empty one is a full stop, so that it has a probability."""
    return tuple(f" {option.strip() or '.'}" for option in one.options)


def shots_by_subject(shots: Sequence[Choice], count: int) -> dict[str, tuple[Choice, ...]]:
    """The first `count` solved questions of each subject, in file order; a subject may have fewer."""
    out: dict[str, tuple[Choice, ...]] = {}
    for one in shots if count else ():
        if len(out.get(one.subject, ())) < count:
            out[one.subject] = (*out.get(one.subject, ()), one)
    return out
