"""XCOPA: which of two events is the cause, or the effect, of a premise? (Ponti et al. 2020, in XTREME-R.)

XTREME-R trains on Social IQa and then on COPA, and selects nothing. Here both are one training set."""

from harness.metrics.accuracy import ACCURACY
from harness.tasks.any_language import any_language
from harness.tasks.commonsense import read_copa, read_english
from harness.tasks.evaluated import read_evaluated
from harness.tasks.selection import select_on
from harness.tasks.source import MissingDataError, Source
from harness.tasks.task import Loaded, Task, Training, content_hash
from harness.tasks.xtreme import XTREME_R_LANGUAGES

NAMES = {"test": "test", "validation": "val"}


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`{val,test}.<lang>.jsonl`, in the data set's folder or in its subfolder `data/<lang>`.

    The cluster is the index, which is the same question in every language."""
    files = {name: (f"{name}.{language}.jsonl", f"data/{language}/{name}.{language}.jsonl") for name in ("val", "test")}
    readers = dict.fromkeys(files[NAMES[split]], read_copa)
    examples = read_evaluated(source, "xcopa", readers, files["val"] if split == "test" else ())[1][:limit]
    return Loaded(examples, split, content_hash(examples), len(examples))


def train(source: Source, language: str) -> Training:
    """English questions of two to five options; the notes say which data set stands in for XTREME-R's."""
    if language != "en":
        raise MissingDataError(f"the training data of XCOPA are English: there are none in {language}")
    examples, names = read_english(source, "train")
    notes = {"training": f"{names}, {len(examples)} questions"}
    if "siqa" not in names:
        notes["stand-in"] = "not Social IQa and COPA"
    try:
        return select_on("commonsense", examples, read_english(source, "dev"), notes)
    except MissingDataError:
        return select_on("commonsense", examples, None, notes)


TASK = Task(
    name="xcopa",
    title="XCOPA causal reasoning",
    form="choice",
    languages=XTREME_R_LANGUAGES["xcopa"],
    protocols=("transfer", "head", "prompt"),
    metrics=lambda language: (ACCURACY,),
    load=load,
    accepts=any_language,
    files="xcopa/{val,test}.<lng>.jsonl; siqa/…, xcopa/train.en.jsonl, commonsenseqa/… for training",
    joint=True,
    splits=("validation", "test"),
    source="cambridgeltl/xcopa",
    licence="CC BY 4.0",
    train=train,
)
