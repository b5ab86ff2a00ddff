"""The kinds of checkpoint, and what each can be asked: which protocols, and which form a trained head
answers."""

from dataclasses import dataclass

MLM = "encoder-mlm"
ENCODER = "encoder"
SEQUENCE = "sequence-classification"
TOKEN = "token-classification"
QUESTION = "question-answering"
CHOICE = "multiple-choice"
SENTENCE = "sentence-transformers"
CAUSAL = "causal-lm"
SEQ2SEQ = "encoder-decoder"
IMAGE_TEXT = "image-text"
VISION_LANGUAGE = "vision-language"


@dataclass(frozen=True)
class Kind:
    """`protocols` in alphabetical order; `form` is what the trained head answers ("" where there is none)."""

    name: str
    meaning: str
    protocols: tuple[str, ...]
    form: str = ""


ALL = (
    Kind(MLM, "an encoder with its masked-language-model head", ("prompt", "retrieve", "transfer")),
    Kind(ENCODER, "an encoder without a head", ("retrieve", "transfer")),
    Kind(
        SEQUENCE,
        "a model with a trained classification head",
        ("head", "retrieve", "transfer"),
        "classification",
    ),
    Kind(TOKEN, "a model with a trained tagging head", ("head", "retrieve", "transfer"), "tagging"),
    Kind(QUESTION, "a model with a trained span head", ("head", "retrieve", "transfer"), "question answering"),
    Kind(
        CHOICE,
        "a model with a trained multiple-choice head",
        ("head", "retrieve", "transfer"),
        "multiple choice",
    ),
    Kind(SENTENCE, "a sentence encoder with its own pooling", ("retrieve", "transfer")),
    Kind(CAUSAL, "a causal language model", ("prompt", "retrieve", "transfer")),
    Kind(SEQ2SEQ, "an encoder-decoder; its encoder gives vectors", ("prompt", "retrieve", "transfer")),
    Kind(IMAGE_TEXT, "an image-text dual encoder; its text tower is evaluated", ("retrieve", "transfer")),
    Kind(
        VISION_LANGUAGE,
        "a vision-language model; its language tower is evaluated",
        ("prompt", "retrieve", "transfer"),
    ),
)
KINDS = {kind.name: kind for kind in ALL}
# What each protocol can ask, whatever the task is called.
FORMS = {
    "head": ("the form of the trained head",),
    "prompt": ("multiple choice", "classification", "text"),
    "retrieve": ("translation pairs",),
    "transfer": ("classification", "tagging", "question answering", "multiple choice"),
}
