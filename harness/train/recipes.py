"""The intermediate tasks by name, with the paper's settings, and mixtures of them such as `hellaswag+mlm*0.5`.

Phang et al. 2020 (arXiv 2005.13013). The settings are those of their code's guide (nyu-mll/jiant at daa5a25,
guides/projects/xstilts.md and its run script): learning rate 1e-5, 3 epochs, batch 4, 256 tokens, warm-up of a tenth,
weight decay 0.01, clipping at 1.0. The guide selects nothing; here the best checkpoint on dev is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.errors import HarnessError, unknown_names
from harness.tasks import anli, ccg, cosmosqa, hellaswag, mnli, qqp, supervised
from harness.train.captions import caption_lines, captions
from harness.train.material import Reader, labelled, lexicon, plain_text, translations
from harness.train.settings import TrainSettings

PAPER = TrainSettings(
    learning_rate=1e-5,
    epochs=3,
    batch_size=4,
    max_length=256,
    warmup=0.1,
    weight_decay=0.01,
    selection="best",
    dev_limit=500,
)
# From here on our own choice: no paper is followed.
TEXT = replace(PAPER, learning_rate=5e-5, batch_size=32, max_length=128)
FROM_SCRATCH = replace(TEXT, learning_rate=1e-3, epochs=10, batch_size=64)
CONTRAST = replace(PAPER, learning_rate=2e-5, epochs=3, batch_size=64, max_length=128)
# Targeted lexical injection (arXiv 2506.15415) trains low-rank updates alone, from the vectors of an early layer.
LEXICAL = replace(CONTRAST, learning_rate=1e-4, max_length=32, lora=16)
EARLY_LAYER = 2

# Images need larger steps than translations; the last weights count, so that recipes are compared at equal budgets.
CAPTIONED = replace(CONTRAST, epochs=10, batch_size=32, max_length=64, selection="last")
CAPTION_LINES = replace(TEXT, epochs=10, max_length=64, selection="last")

QUESTIONS = ("classify", "tag", "span", "choice")


@dataclass(frozen=True)
class Recipe:
    """One intermediate task. `form` is a form of question that a head answers, `mlm` (masked-language modelling),
    `contrast` (of pairs) or `caption`; `labels` are the classes, () where the data say them (tags) or where there are
    none. `anchor` is what captions are tied to: their image, a random vector in its place, a wrong image, or other
    captions (`text`)."""

    name: str
    form: str
    read: Reader = field(repr=False)
    settings: TrainSettings = PAPER
    labels: tuple[str, ...] = ()
    about: str = ""
    anchor: str = ""

    @property
    def asks(self) -> bool:
        """Whether it trains a head of its own."""
        return self.form in QUESTIONS


@dataclass(frozen=True)
class Part:
    """A recipe in a mixture, drawn `weight` times as often as its size says."""

    recipe: Recipe
    weight: float = 1.0


_ALL = (
    Recipe("anli", "classify", labelled(anli.train_anli), labels=mnli.LABELS, about="ANLI with MNLI and SNLI (ANLI+)"),
    Recipe("mnli", "classify", labelled(supervised.train_mnli), labels=mnli.LABELS, about="MultiNLI"),
    Recipe("qqp", "classify", labelled(qqp.train_qqp), labels=qqp.LABELS, about="Quora Question Pairs"),
    Recipe("squad_v1", "span", labelled(supervised.train_squad_v1), about="SQuAD 1.1"),
    Recipe("squad_v2", "span", labelled(supervised.train_squad_v2), about="SQuAD 2.0, with unanswerable questions"),
    Recipe("hellaswag", "choice", labelled(hellaswag.train_hellaswag), about="HellaSwag"),
    Recipe("ccg", "tag", labelled(ccg.train_ccg), about="CCGbank, else the Parallel Meaning Bank's categories"),
    Recipe("cosmosqa", "choice", labelled(cosmosqa.train_cosmosqa), about="Cosmos QA"),
    Recipe("commonsenseqa", "choice", labelled(supervised.train_commonsenseqa), about="CommonsenseQA"),
    Recipe("mlm", "mlm", plain_text, TEXT, about="masked-language modelling on plain text"),
    Recipe("mlm_scratch", "mlm", plain_text, FROM_SCRATCH, about="a tokenizer and a small encoder from scratch"),
    Recipe("pairs", "contrast", translations, CONTRAST, about="translation pairs against the others of the batch"),
    Recipe("lexical", "contrast", lexicon, LEXICAL, about="word pairs at an early layer through LoRA (2506.15415)"),
    Recipe("image_text", "caption", captions, CAPTIONED, anchor="image", about="captions against images"),
    Recipe(
        "image_text_random", "caption", captions, CAPTIONED, anchor="random", about="control: a random vector an image"
    ),
    Recipe(
        "image_text_shuffled", "caption", captions, CAPTIONED, anchor="shuffled", about="control: captions of others"
    ),
    Recipe("text_text", "caption", captions, CAPTIONED, anchor="text", about="captions of one image, no image"),
    Recipe("mlm_captions", "mlm", caption_lines, CAPTION_LINES, about="masked-language modelling on the same captions"),
)
RECIPES: Mapping[str, Recipe] = {one.name: one for one in _ALL}
PAPERS_NINE = ("anli", "mnli", "qqp", "squad_v1", "squad_v2", "hellaswag", "ccg", "cosmosqa", "commonsenseqa")
# Names for one or several recipes.
ALIASES: Mapping[str, tuple[str, ...]] = {"squad": ("squad_v1",), "all9": PAPERS_NINE}
PART = re.compile(r"\s*([\w]+)\s*(?:\*\s*([0-9.]+)\s*)?")


def parse(text: str) -> tuple[Part, ...]:
    """`hellaswag+mlm*0.5` -> parts. HarnessError: a part that cannot be read, unknown names (all at once), a recipe
    that stands twice, a weight that is not above 0, `mlm_scratch` beside others."""
    found = [(one, PART.fullmatch(one)) for one in text.split("+")]
    unread = [one for one, match in found if match is None]
    if unread:
        raise HarnessError(
            f"--recipe {text}: '{unread[0]}' is not a recipe with a weight.", "Write it so: hellaswag+mlm*0.5"
        )
    named = [(match[1], float(match[2] or 1)) for _, match in found if match is not None and _is_number(match[2])]
    unknown = [name for name, _ in named if name not in RECIPES and name not in ALIASES]
    if unknown:
        raise unknown_names("recipe", unknown, [*RECIPES, *ALIASES], "`harness list recipes` prints all of them.")
    parts = [Part(RECIPES[one], weight) for name, weight in named for one in ALIASES.get(name, (name,))]
    _refuse(text, [part.recipe.name for part in parts], [weight for _, weight in named], len(named) < len(found))
    return tuple(parts)


def _is_number(weight: str | None) -> bool:
    return weight is None or weight.replace(".", "", 1).isdecimal()


def _refuse(text: str, names: list[str], weights: list[float], unread: bool) -> None:
    if unread or min(weights) <= 0:
        raise HarnessError(f"--recipe {text}: a weight is no number above 0.", "Write it so: hellaswag+mlm*0.5")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise HarnessError(f"--recipe {text}: {', '.join(twice)} stands twice.", "Give it a weight: mlm*2")
    if "mlm_scratch" in names and len(names) > 1:
        raise HarnessError(
            "mlm_scratch makes a checkpoint of its own and stands alone.", "Train the other recipes on it afterwards."
        )
    contrasts = [name for name in names if RECIPES[name].form in ("contrast", "caption")]
    if "lexical" in names and len(contrasts) > 1:
        raise HarnessError(f"{' and '.join(contrasts)} read different layers.", "Train one after the other.")
    anchored = [name for name in names if RECIPES[name].anchor not in ("", "text")]
    if len(anchored) > 1:
        raise HarnessError(f"{' and '.join(anchored)} would share one image tower.", "Train one after the other.")


def settings_of(parts: tuple[Part, ...]) -> TrainSettings:
    """A mixture trains with the settings of its first recipe."""
    return parts[0].recipe.settings
