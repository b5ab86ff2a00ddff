"""UDPOS: universal part-of-speech tags (Universal Dependencies v2.5, in XTREME).

Trap: the official score is no accuracy but F1 over runs of equal tags; token accuracy is a further metric.
XTREME's own files hold all treebanks of a language; where they are absent, the treebanks that are at hand are
scored as such."""

from collections.abc import Mapping
from functools import partial

from harness.errors import HarnessError
from harness.metrics.entities import TOKEN_ACCURACY, tag_metrics
from harness.tasks.any_language import any_language
from harness.tasks.conllu import UPOS, WITHHELD, read_conllu
from harness.tasks.evaluated import SPLITS, read_evaluated
from harness.tasks.selection import own_dev, select_on
from harness.tasks.source import MissingDataError, Source
from harness.tasks.tagged import TaggedSentence, read_tagged, tag_examples, tag_notes
from harness.tasks.task import Loaded, Task, Training, content_hash, in_training
from harness.tasks.xtreme import XTREME_LANGUAGES

read_udpos = partial(read_tagged, tags=(*UPOS, WITHHELD))


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """XTREME's `{dev,test}-<lang>.tsv`, else all `ud/**/<lang>_*-ud-{dev,test}.conllu` in the order of their
    names."""
    sentences, notes = read_split(source, language, SPLITS[split])
    examples = tag_examples(sentences)[:limit]
    return Loaded(examples, split, content_hash(examples), len(examples), {**notes, **tag_notes(sentences)})


def read_split(source: Source, language: str, split: str) -> tuple[list[TaggedSentence], Mapping[str, str]]:
    """The sentences of train, dev or test, and a note where they are not XTREME's own."""
    dev = [f"dev-{language}.tsv"] if split == "test" else []
    try:
        return read_evaluated(source, "udpos", {f"{split}-{language}.tsv": read_udpos}, dev)[1], {}
    except MissingDataError as error:
        pattern = f"{language}_*-ud-{split}.conllu"
        paths = sorted((source.root / "ud").rglob(pattern), key=lambda path: path.name)
        if not paths:
            raise MissingDataError(f"no ud/**/{pattern} and {error.problem}") from error
    sentences = [sentence for path in paths for sentence in read_conllu(path, language)]
    if not sentences:
        raise HarnessError(f"{', '.join(map(str, paths))}: no sentence with its words.", "Fetch the treebank again.")
    return sentences, {"treebanks": f"{', '.join(path.stem for path in paths)} (not XTREME's file)"}


def train(source: Source, language: str) -> Training:
    """XTREME's training file of that language or the treebanks at hand, selected on its dev as XTREME
    does."""
    sentences, notes = read_split(source, language, "train")
    whole = [sentence for sentence in sentences if WITHHELD not in sentence.tags]
    notes = {"training": f"{len(whole)} sentences", **in_training(notes)}
    if len(whole) < len(sentences):
        notes["sentences with withheld tags"] = str(len(sentences) - len(whole))
    return select_on(f"UD {language}", tag_examples(whole), own_dev(load, source, language, "udpos"), notes)


TASK = Task(
    name="udpos",
    title="UDPOS part-of-speech tagging",
    form="tag",
    languages=XTREME_LANGUAGES["udpos"],
    protocols=("transfer", "head"),
    metrics=lambda language: (*tag_metrics(), TOKEN_ACCURACY),
    load=load,
    accepts=any_language,
    files="udpos/{train,dev,test}-<lng>.tsv or ud/**/<lng>_*-ud-{train,dev,test}.conllu",
    splits=("validation", "test"),
    source="Universal Dependencies v2.5 in XTREME's tokenisation",
    licence="per treebank, several CC BY-NC-SA",
    labels=UPOS,
    train=train,
)
