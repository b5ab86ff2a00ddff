"""Count and items 0, middle, last of every file of these tasks in ../shared/data, as digests: the text itself
is never committed. The digests were made by plain reading of the files, not by the readers under test."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from harness.examples import Choice, Classify, Span, Tag
from harness.tasks import mlqa, panx, pawsx, tydiqa, udpos, xcopa, xnli, xquad
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.task import Task

TASKS: dict[str, Task] = {
    module.TASK.name: module.TASK for module in (xnli, pawsx, udpos, panx, xquad, mlqa, tydiqa, xcopa)
}
EVALUATED = {
    ("xnli", "ar", "validation"): (2490, "6b51f67f", "85f72d32", "44b9257a"),
    ("xnli", "de", "validation"): (2490, "411fd8f3", "eee66914", "7a8d7483"),
    ("xnli", "en", "validation"): (2490, "5863b707", "1391b4ce", "b27ede6d"),
    ("xnli", "es", "validation"): (2490, "1e6eeb5a", "88f579be", "14c7f3cb"),
    ("xnli", "fr", "validation"): (2490, "37fdd041", "0fbc14bb", "3bece9d6"),
    ("xnli", "sw", "validation"): (2490, "b455cdc4", "f33c619a", "562844e7"),
    ("xnli", "zh", "validation"): (2490, "d235d1f8", "ed3fb08c", "d9e8e4db"),
    ("pawsx", "de", "validation"): (2000, "ba8732b3", "955d3322", "a8dbdbab"),
    ("pawsx", "en", "validation"): (2000, "a06566ee", "f2fd171b", "b5abbfe2"),
    ("pawsx", "es", "validation"): (2000, "6b2d4a22", "3aab0c54", "0337df0c"),
    ("pawsx", "fr", "validation"): (2000, "af7fdadf", "78e3ffbb", "6b0ad2ee"),
    ("pawsx", "zh", "validation"): (2000, "f93122f8", "876cd0bc", "4f59ed01"),
    ("udpos", "ar", "validation"): (909, "62e2b97c", "58768226", "837d85de"),
    ("udpos", "en", "validation"): (3974, "82c2e6f1", "4e3f9662", "6f83ddb0"),
    ("udpos", "fr", "validation"): (2903, "ff99478a", "e4aeb0e4", "e9c804a1"),
    ("udpos", "zh", "validation"): (1000, "2fb9d73f", "b47b05d7", "e9eb9fc0"),
    ("udpos", "zh", "test"): (500, "d1a04653", "df475b0f", "1d4f638d"),
    ("udpos", "en", "test"): (2077, "752dd2da", "9a8e0332", "8b0b3d3a"),
    ("udpos", "fr", "test"): (416, "960de029", "471222e9", "f3015e25"),
    ("udpos", "de", "test"): (977, "9fa0a133", "6fb497fb", "a9a6430a"),
    ("udpos", "es", "test"): (427, "a3b38344", "15495f49", "a77f7402"),
    ("panx", "ar", "validation"): (10000, "8a933fca", "77e1c820", "192d2d9c"),
    ("panx", "de", "validation"): (10000, "6bdef814", "5895efae", "a3866f27"),
    ("panx", "en", "validation"): (10000, "ffc3c873", "2a18580c", "ed1f2144"),
    ("panx", "es", "validation"): (10000, "f754cb00", "355426bc", "91fc658e"),
    ("panx", "sw", "validation"): (1000, "b5cd2d5b", "93bc6c0a", "5e6a0296"),
    ("panx", "zh", "validation"): (10000, "54c09421", "6521b251", "94769c64"),
    ("xquad", "ar", "test"): (1190, "49da40e0", "3948e570", "8e5625ef"),
    ("xquad", "de", "test"): (1190, "b611478f", "355134fe", "27b4f6c8"),
    ("xquad", "en", "test"): (1190, "37b74f24", "6d672cee", "889fc1b1"),
    ("xquad", "es", "test"): (1190, "add64117", "7dcdf043", "a2380338"),
    ("xquad", "zh", "test"): (1190, "080ae5bc", "750a41d4", "cda91181"),
    ("mlqa", "ar-es", "validation"): (161, "1cb5fd0e", "4a0483c6", "40c051cb"),
    ("mlqa", "de", "validation"): (512, "c7b870c1", "9bbff282", "3335a38a"),
    ("mlqa", "de-en", "validation"): (512, "1ba55937", "1301a636", "e326dd03"),
    ("mlqa", "en-de", "validation"): (512, "53eedc41", "ed0ec78b", "564f0aef"),
    ("mlqa", "en", "validation"): (1148, "6fc25657", "17657555", "16ef29fe"),
    ("mlqa", "es", "validation"): (500, "e473512a", "f17719c0", "3fecf268"),
    ("mlqa", "es-zh", "validation"): (161, "e95324b6", "b91b2482", "7114c51c"),
    ("mlqa", "zh-ar", "validation"): (188, "31afa0a5", "4483349e", "abf28486"),
    ("mlqa", "zh", "validation"): (504, "9c88cb5b", "94cfd45f", "e3811862"),
}
BLANKED = {
    ("xnli", "sw", "test"): "--split validation scores dev-sw.tsv",
    ("pawsx", "fr", "test"): "--split validation scores dev-fr.tsv",
    ("panx", "sw", "test"): "--split validation scores dev-sw.tsv",
    ("tydiqa", "sw", "test"): "blanked",
}
# The whole training material of a language, before a tenth is held out.
TRAINING = {
    ("xnli", "en"): ("MNLI", 3000, "2ad4eb3c", "e86c2734", "2041bdef"),
    ("pawsx", "en"): ("PAWS-QQP", 3979, "08cfced6", "037d4af4", "0f9e08f5"),
    ("udpos", "en"): ("UD en", 5000, "0593c9ca", "36dcaec7", "140549ba"),
    ("panx", "en"): ("PAN-X en", 6000, "d6c30013", "0ba5d3db", "3d3763e4"),
    ("xquad", "en"): ("SQuAD", 1910, "85db0f31", "7c4c0fd7", "aeb80cad"),
    ("mlqa", "en"): ("SQuAD", 1910, "85db0f31", "7c4c0fd7", "aeb80cad"),
    ("tydiqa", "en"): ("TyDiQA-GoldP en", 2000, "945c2797", "168e80c2", "610272a6"),
    ("tydiqa", "sw"): ("TyDiQA-GoldP sw", 2755, "5a0cac6c", "574617c7", "604ab81e"),
    ("xcopa", "en"): ("commonsense", 3000, "471d2e2b", "e457c36c", "2b26c477"),
}
OFFICIAL_DEV = {"xnli": 2490, "pawsx": 2000, "udpos": 3974, "panx": 10000, "xcopa": 600}


def digest(parts: Iterable[Any]) -> str:
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=4).hexdigest()


def parts(example: Any, training: bool = False) -> Sequence[Any]:
    if isinstance(example, Classify):
        return example.first, example.second, example.label
    if isinstance(example, Tag):
        return *example.words, *example.tags
    if isinstance(example, Choice):
        return example.question, *example.options, example.answer
    assert isinstance(example, Span)
    if training:
        return example.question, example.context, example.answers[0], example.starts[0]
    return example.id, example.question, example.context, *example.answers, *example.starts


def pin(examples: Sequence[Any], training: bool = False) -> tuple[Any, ...]:
    chosen = (examples[0], examples[len(examples) // 2], examples[-1])
    return len(examples), *(digest(parts(one, training)) for one in chosen)


@pytest.mark.parametrize("key", EVALUATED, ids="/".join)
def test_count_and_items_of_each_evaluated_file(shared: Path, key: tuple[str, str, str]) -> None:
    task, language, split = key
    loaded = TASKS[task].load(Source(shared / "data"), language, split, None)
    assert pin(loaded.examples) == EVALUATED[key]  # type: ignore[arg-type]
    assert (loaded.count, loaded.split) == (EVALUATED[key][0], split)
    assert len({one.id for one in loaded.examples}) == loaded.count  # type: ignore[union-attr]
    assert len(TASKS[task].load(Source(shared / "data"), language, split, 7).examples) == 7  # type: ignore[arg-type]


@pytest.mark.parametrize("key", BLANKED, ids="/".join)
def test_blanked_files_say_so_and_name_the_flag(shared: Path, key: tuple[str, str, str]) -> None:
    task, language, split = key
    with pytest.raises(BlankedLabelsError, match=BLANKED[key]):
        TASKS[task].load(Source(shared / "data"), language, split, None)


@pytest.mark.parametrize("key", TRAINING, ids="/".join)
def test_count_and_items_of_the_training_data(shared: Path, key: tuple[str, str]) -> None:
    task, language = key
    read = TASKS[task].train
    assert read is not None
    training = read(Source(shared / "data"), language)
    whole = training.train
    if task in OFFICIAL_DEV:
        assert len(training.dev) == OFFICIAL_DEV[task]
    else:
        assert 0.05 < len(training.dev) / len(training.train) < 0.15
        whole = tuple(sorted((*whole, *training.dev), key=lambda one: int(one.id)))
    assert [one.id for one in whole] == list(map(str, range(len(whole)))) or task in ("xquad", "mlqa")
    assert (training.name, *_training_pin(whole)) == TRAINING[key]


def _training_pin(examples: Sequence[Any]) -> tuple[Any, ...]:
    return pin(examples, training=True)


def test_every_language_with_a_file_is_pinned_and_no_other(shared: Path) -> None:
    source = Source(shared / "data")
    found = set()
    for task in TASKS.values():
        extra = [f"{a}-{b}" for a in task.languages for b in task.languages if a != b] if task.name == "mlqa" else []
        for language in (*task.languages, *extra):
            for split in ("test", "validation"):
                try:
                    found.add((task.name, language, task.load(source, language, split, None).split))
                except BlankedLabelsError:
                    assert (task.name, language, "test") in BLANKED
                except MissingDataError:
                    continue
    assert found == set(EVALUATED)
    assert len(found) == 41


def test_parallel_tasks_share_clusters_and_xnli_its_labels(shared: Path) -> None:
    source = Source(shared / "data")
    for name, split, languages in (
        ("xnli", "validation", "ar de en es fr sw zh"),
        ("pawsx", "validation", "de en es fr zh"),
        ("xquad", "test", "ar de en es zh"),
    ):
        sets: list[Any] = [TASKS[name].load(source, one, split, None).examples for one in languages.split()]
        for one in sets[1:]:
            assert [(a.id, a.cluster) for a in one] == [(b.id, b.cluster) for b in sets[0]]
            if name == "xnli":
                assert [a.label for a in one] == [b.label for b in sets[0]]
                assert [a.cluster for a in one[:4]] == ["0", "0", "0", "3"]
                assert len({a.cluster for a in one}) == 830
            if name == "xquad":
                assert len({a.cluster for a in one}) == 240


def test_mlqa_questions_are_shared_across_languages(shared: Path) -> None:
    source = Source(shared / "data")
    sets: dict[str, Any] = {
        one: TASKS["mlqa"].load(source, one, "validation", None).examples for one in ("en", "de", "es", "zh", "de-en")
    }
    clusters = {one: {span.cluster for span in spans} for one, spans in sets.items()}
    assert all(one <= clusters["en"] for one in clusters.values())
    assert clusters["de-en"] == clusters["de"]
    assert len(clusters["en"] & clusters["de"] & clusters["es"] & clusters["zh"]) == 42


def test_the_notes_of_the_training_data_say_what_stands_in(shared: Path) -> None:
    source = Source(shared / "data")
    notes = {name: TASKS[name].train(source, "en").notes for name in ("xnli", "pawsx", "xquad", "xcopa")}  # type: ignore[misc]
    assert notes["xnli"]["selected_on"] == "xnli dev en, which --split validation scores"
    assert notes["pawsx"]["stand-in"] == "not PAWS-X's train"
    assert notes["xquad"]["training"] == "dev-v2.0.part1.json, 1910 of 4065 questions"
    assert notes["xquad"]["stand-in"] == "not SQuAD v1.1's train, answerable part only"
    assert notes["xcopa"]["stand-in"] == "not Social IQa and COPA"
    tagging = TASKS["udpos"].load(source, "de", "test", None).notes
    assert tagging == {"treebanks": "de_gsd-ud-test (not XTREME's file)"}


def test_no_answer_at_hand_is_lost_and_training_spans_hold_their_answer(shared: Path) -> None:
    source = Source(shared / "data")
    for name, language in (("xquad", "en"), ("tydiqa", "en"), ("tydiqa", "sw")):
        training = TASKS[name].train(source, language)  # type: ignore[misc]
        assert "answers not found" not in training.notes
        for span in training.train:
            assert isinstance(span, Span)
            assert span.context[span.starts[0] :].startswith(span.answers[0])
            assert len(span.answers) == len(span.starts) == 1
