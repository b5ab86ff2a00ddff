"""Tiny checkpoints with a real tokenizer, and examples of every form in several scripts."""

import importlib.util
import random
from pathlib import Path

import pytest
import torch

from harness.examples import Choice, Classify, Span, Tag

TEXT = (
    "the quick brown fox jumps over lazy dog der schnelle braune Fuchs springt über den faulen Hund "
    "敏捷的棕色 狐狸 跳过了 懒狗 तेज भूरी लोमड़ी आलसी कुत्ते الثعلب البني السريع يقفز . , U.S. 1,190"
)
WORDS = TEXT.split()
CLASSES = ("contradiction", "entailment", "neutral")
TAGS = ("ADJ", "NOUN", "PUNCT", "VERB")


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads of a tiny model mostly wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny():
    """The module `tiny_models`: makers of tiny checkpoints."""
    path = Path(__file__).parents[1] / "tiny_models.py"
    spec = importlib.util.spec_from_file_location("tiny_models", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def bert(tiny, tmp_path_factory):
    """A bare tiny BERT."""
    return tiny.opened(tiny.save_model(tmp_path_factory.mktemp("models") / "bert"))


@pytest.fixture(scope="session")
def tokeniser(bert):
    """The tiny BERT's: <s> a </s> b </s>, byte-level BPE, two token types."""
    from harness.heads.tokeniser import open_tokeniser

    return open_tokeniser(bert)


@pytest.fixture(scope="session")
def examples():
    """Form -> examples."""
    draw = random.Random(7)

    def text(low, high):
        return " ".join(draw.choices(WORDS, k=draw.randint(low, high)))

    classify = tuple(Classify(str(n), text(1, 30), text(1, 30), draw.choice(CLASSES), str(n)) for n in range(60))
    tag = []
    for n in range(60):
        words = tuple(draw.choices(WORDS, k=draw.randint(1, 40)))
        tag.append(Tag(str(n), words, tuple(draw.choices(TAGS, k=len(words))), str(n)))
    span = []
    for n in range(24):
        context = text(1, 90)
        words = context.split()
        at = draw.randrange(len(words))
        answer = " ".join(words[at : at + draw.randint(1, 4)])
        start = len(" ".join(words[:at])) + (at > 0)
        span.append(Span(str(n), text(1, 8), context, (answer,), (start,), str(n)))
    choice = []
    for n in range(20):
        options = tuple(text(1, 6) for _ in range(draw.randint(2, 5)))
        choice.append(Choice(str(n), text(3, 12), "What was the cause?", options, draw.randrange(len(options)), str(n)))
    return {"classify": classify, "tag": tuple(tag), "span": tuple(span), "choice": tuple(choice)}


@pytest.fixture(scope="session")
def labels():
    """Form -> labels."""
    return {"classify": CLASSES, "tag": TAGS, "span": (), "choice": ()}


@pytest.fixture(scope="session")
def windows():
    """Form -> a window short enough that the examples do not fit into it."""
    return {"classify": 48, "tag": 40, "span": 64, "choice": 80}
