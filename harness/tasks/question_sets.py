"""Where the question answering and multiple choice sets come from.

Trap: the hub's XQuAD, TyDiQA and MLQA (in google/xtreme) have stripped contexts but unchanged answer offsets."""

from harness.tasks import hub_counts as counts
from harness.tasks import official
from harness.tasks.data_set import HUB, TEXT, XTREME, XTREME_PIN, Columns, HubSet, every
from harness.tasks.mlqa import PAIRS
from harness.tasks.tydiqa import NAMES as TYDI_NAMES
from harness.tasks.xtreme import XTREME_LANGUAGES, XTREME_R_LANGUAGES

ANSWERS = {"id": TEXT, "context": TEXT, "question": TEXT, "answers": "{answer_start: [int], text: [string]}"}
TITLED = {"title": TEXT, **ANSWERS}
COPA = {"premise": TEXT, "choice1": TEXT, "choice2": TEXT, "question": TEXT, "idx": "int"}


def _of_prefix(found: Columns, code: str) -> list[int]:
    return [row for row, one in enumerate(found["id"]) if one.startswith(f"{TYDI_NAMES[code]}-")]


def _mlqa_file(code: str, split: str) -> str:
    context, _, question = code.partition("-")
    return f"mlqa/MLQA_V1/{XTREME[split]}/{XTREME[split]}-context-{context}-question-{question or context}.json"


def _mlqa_config(code: str) -> str:
    context, _, question = code.partition("-")
    return f"MLQA.{context}.{question or context}"


ANSWERING = (
    HubSet(
        "xquad",
        "google/xquad",
        "51adfef1c1287aab1d2d91b5bead9bcfb9c68583",
        "CC BY-SA 4.0",
        every(XTREME_R_LANGUAGES["xquad"], "test"),
        {"test": "validation"},
        files=lambda code, split: (f"xquad/xquad.{code}.json",),
        columns=ANSWERS,
        write=lambda found, code: official.squad(found),
        config=lambda code: f"xquad.{code}",
        rows=lambda code, split: 1190,
        note="contexts are stripped, answer offsets are not: readers look for the answer near its offset",
    ),
    HubSet(
        "mlqa",
        "google/xtreme",
        XTREME_PIN,
        "CC BY-SA 3.0",
        every((*XTREME_LANGUAGES["mlqa"], *PAIRS), "validation", "test"),
        HUB,
        files=lambda code, split: (_mlqa_file(code, split),),
        columns=TITLED,
        write=lambda found, code: official.squad(found),
        config=_mlqa_config,
        rows=counts.mlqa,
        note="facebook/mlqa itself needs a loading script; contexts are stripped here",
    ),
    HubSet(
        "tydiqa",
        "google-research-datasets/tydiqa",
        "da78f23f9119363459acbaf46bf89426ff26c259",
        "Apache-2.0",
        every(XTREME_LANGUAGES["tydiqa"], "train", "test"),
        {"train": "train", "test": "validation"},
        files=lambda code, split: (
            f"tydiqa/tydiqa-goldp-v1.1-{'train' if split == 'train' else 'dev'}/"
            f"tydiqa.goldp.{code}.{'train' if split == 'train' else 'dev'}.json",
        ),
        columns=TITLED,
        write=lambda found, code: official.squad(found),
        config=lambda code: "secondary_task",
        rows=lambda code, split: counts.TYDIQA_ROWS.get((code, split)),
        total=counts.TYDIQA,
        select=_of_prefix,
        note="one table of nine languages, told apart by the id; contexts are stripped, offsets are not",
    ),
    HubSet(
        "squad",
        "rajpurkar/squad",
        "7b6d24c440a36b6815f21b70d25016731768db1f",
        "CC BY-SA 4.0",
        every(("en",), "train", "validation"),
        HUB,
        files=lambda code, split: (f"squad/{XTREME[split]}-v1.1.json",),
        columns=TITLED,
        write=lambda found, code: official.squad(found),
        config=lambda code: "plain_text",
        rows=lambda code, split: {"train": 87599, "validation": 10570}[split],
    ),
)

CHOICE = (
    HubSet(
        "xcopa",
        "cambridgeltl/xcopa",
        "042f78955ba48e6404616762fa6e05e839c3907a",
        "CC BY 4.0",
        every(XTREME_R_LANGUAGES["xcopa"], "validation", "test"),
        HUB,
        files=lambda code, split: (f"xcopa/{'test' if split == 'test' else 'val'}.{code}.jsonl",),
        columns={**COPA, "label": "int", "changed": "bool"},
        write=lambda found, code: official.json_lines(found),
        config=str,
        rows=lambda code, split: {"validation": 100, "test": 500}[split],
    ),
    HubSet(
        "copa",
        "aps/super_glue",
        "3de24cf8022e94f4ee4b9d55a6f539891524d646",
        "see Roemmele et al. 2011",
        every(("en",), "train", "validation"),
        HUB,
        files=lambda code, split: (f"xcopa/{'train' if split == 'train' else 'val'}.en.jsonl",),
        columns={**COPA, "label": "class"},
        classes={"label": ("choice1", "choice2")},
        write=lambda found, code: official.json_lines(found),
        config=lambda code: "copa",
        rows=lambda code, split: {"train": 400, "validation": 100}[split],
    ),
    HubSet(
        "siqa",
        "lighteval/siqa",
        "54c6a1f8cb6daf4f5abf24a601852612fb35eb25",
        "not stated",
        every(("en",), "train", "validation"),
        HUB,
        files=lambda code, split: (f"siqa/{XTREME[split]}.jsonl",),
        columns=dict.fromkeys(("context", "question", "answerA", "answerB", "answerC", "label"), TEXT),
        write=lambda found, code: official.json_lines(found),
        rows=lambda code, split: {"train": 33410, "validation": 1954}[split],
        note="a copy without loading script of allenai/social_i_qa",
    ),
    HubSet(
        "commonsenseqa",
        "tau/commonsense_qa",
        "94630fe30dad47192a8546eb75f094926d47e155",
        "MIT",
        every(("en",), "train", "validation"),
        HUB,
        files=lambda code, split: (f"commonsenseqa/{XTREME[split]}_rand_split.jsonl",),
        columns={
            "id": TEXT,
            "question": TEXT,
            "question_concept": TEXT,
            "choices": "{label: [string], text: [string]}",
            "answerKey": TEXT,
        },
        write=lambda found, code: official.commonsense(found),
        rows=lambda code, split: {"train": 9741, "validation": 1221}[split],
    ),
)
