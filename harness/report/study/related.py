"""Which recipes are kin to which tasks: the same annotation or the same questions, so that a gain there says little of
transfer. And which recipes see text alone."""

from collections.abc import Iterable, Mapping

# Phang et al. 2020 train on MNLI, SQuAD and QQP, of which XNLI, the QA sets and (by way of Quora) PAWS-X descend; ANLI+
# holds MNLI and SNLI.
RELATED: Mapping[str, tuple[str, ...]] = {
    "mnli": ("xnli",),
    "anli": ("xnli",),
    "squad_v1": ("xquad", "mlqa", "tydiqa"),
    "squad_v2": ("xquad", "mlqa", "tydiqa"),
    "qqp": ("pawsx",),
}
IMAGE = "image_text"
# Neither sees a true picture: a fixed random vector in its place, or a wrong one.
ANCHOR, SHUFFLED = "image_text_random", "image_text_shuffled"
NONE = "none"
BEST = "best-per-target"


def related(parts: Iterable[str], task: str) -> bool:
    """Whether a row's recipe (its parts) is kin to a task."""
    return any(task in RELATED.get(part, ()) for part in parts)


def text_only(parts: Iterable[str]) -> bool:
    """Whether a row was trained further, and on text alone."""
    own = tuple(parts)
    return bool(own) and not any(part.startswith(IMAGE) for part in own)
