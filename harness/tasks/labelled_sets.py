"""Where the classification and tagging sets come from.

Trap: the hub's UDPOS holds other treebanks and another tokenisation than XTREME's. It has a name of its own, and
`udpos` itself is made from the archive of Universal Dependencies 2.5."""

from pathlib import Path

from harness.errors import HarnessError
from harness.tasks import hub_counts as counts
from harness.tasks import official
from harness.tasks.conllu import UPOS, read_conllu
from harness.tasks.data_set import HUB, TEXT, XTREME, XTREME_PIN, HubSet, OriginalSet, every
from harness.tasks.xtreme import XTREME_LANGUAGES, XTREME_R_LANGUAGES

LINDAT = "https://lindat.mff.cuni.cz/repository/xmlui/bitstream/handle/11234"
# Languages of which UD 2.5 has tests only, or no dev.
NO_TRAIN, NO_DEV = ("th", "tl", "yo"), ("kk", "th", "tl", "yo")


def _treebanks(folder: Path, language: str, split: str) -> tuple[str]:
    """All treebanks of a language in the order of their file names, in XTREME's tokenisation."""
    paths = sorted(folder.glob(f"{language}_*-ud-{XTREME[split]}.conllu"))
    sentences = [sentence for path in paths for sentence in read_conllu(path, language)]
    if not sentences:
        raise HarnessError(f"the archive has no {XTREME[split]} treebank of {language}.", "Report it.")
    rows = (zip(one.words, one.tags, strict=True) for one in sentences)
    return ("\n".join("".join(f"{word}\t{tag}\n" for word, tag in sentence) for sentence in rows),)


CLASSIFICATION = (
    HubSet(
        "xnli",
        "facebook/xnli",
        "b8dd5d7af51114dbda02c0e3f6133f332186418e",
        "CC BY-NC 4.0",
        every(XTREME_LANGUAGES["xnli"]),
        HUB,
        files=lambda code, split: (f"xnli/{XTREME[split]}-{code}.tsv",),
        columns={"premise": TEXT, "hypothesis": TEXT, "label": "class"},
        classes={"label": official.XNLI},
        write=lambda found, code: official.pairs(found, official.XNLI),
        config=str,
        rows=lambda code, split: counts.XNLI[split],
        note="train is MultiNLI, machine-translated outside English; ru test rows 2805 and 2806 are swapped",
    ),
    HubSet(
        "pawsx",
        "google-research-datasets/paws-x",
        "4cd8187c404bda33cb1f62b49b001115862acf37",
        "free for any purpose, acknowledgement of Google appreciated",
        every(XTREME_LANGUAGES["pawsx"]),
        HUB,
        files=lambda code, split: (f"pawsx/{XTREME[split]}-{code}.tsv",),
        columns={"sentence1": TEXT, "sentence2": TEXT, "label": "class"},
        classes={"label": ("0", "1")},
        write=lambda found, code: official.pairs(found, ("0", "1")),
        config=str,
        rows=lambda code, split: counts.PAWSX[split],
        note="complete, unlike google/xtreme's copy; train is machine-translated outside English",
    ),
    HubSet(
        "mnli",
        "nyu-mll/glue",
        "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
        "OANC and others (card: other)",
        every(("en",), "train"),
        {"train": "train"},
        files=lambda code, split: ("mnli/multinli_1.0_train.jsonl",),
        columns={"premise": TEXT, "hypothesis": TEXT, "label": "class"},
        classes={"label": official.XNLI},
        write=lambda found, code: official.multinli(found),
        config=lambda code: "mnli",
        rows=lambda code, split: counts.XNLI["train"],
        note="labels, premise and hypothesis alone",
    ),
)

TAGGING = (
    HubSet(
        "panx",
        "unimelb-nlp/wikiann",
        "f0a3be6dc5564c0cc4150bb660144800a1f539d4",
        "not stated; text from Wikipedia, CC BY-SA",
        every(XTREME_R_LANGUAGES["panx"]),
        HUB,
        files=lambda code, split: (f"panx/{XTREME[split]}-{code}.tsv",),
        columns={"tokens": "[string]", "ner_tags": "[class]"},
        classes={"ner_tags": official.NER},
        write=lambda found, code: official.tagged(found, official.NER),
        config=str,
        rows=counts.wikiann,
    ),
    OriginalSet(
        "udpos",
        lambda code: f"{LINDAT}/1-3105/ud-treebanks-v2.5.tgz",
        "per treebank, several CC BY-NC-SA",
        {
            split: tuple(code for code in XTREME_LANGUAGES["udpos"] if code not in lacking)
            for split, lacking in (("train", NO_TRAIN), ("validation", NO_DEV), ("test", ()))
        },
        files=lambda code, split: (f"udpos/{XTREME[split]}-{code}.tsv",),
        members=lambda code, split: (f"{code}_*-ud-{XTREME[split]}.conllu",),
        read=_treebanks,
        where="lindat.mff.cuni.cz, 11234/1-3105",
        note="Universal Dependencies 2.5, all treebanks of a language, tokens joined as XTREME does",
    ),
    HubSet(
        "udpos_hub",
        "google/xtreme",
        XTREME_PIN,
        "per treebank, several CC BY-NC-SA",
        {split: tuple(code for code in counts.UDPOS_NAMES if counts.UDPOS[code, split]) for split in HUB},
        HUB,
        files=lambda code, split: (f"udpos_hub/{XTREME[split]}-{code}.tsv",),
        columns={"tokens": "[string]", "pos_tags": "[class]"},
        classes={"pos_tags": UPOS},
        write=lambda found, code: official.tagged(found, UPOS),
        config=lambda code: f"udpos.{counts.UDPOS_NAMES[code]}",
        rows=lambda code, split: counts.UDPOS[code, split],
        note="NOT XTREME's UDPOS: words split otherwise; de, el, fr, ru, zh with historical treebanks or dialects",
    ),
)
