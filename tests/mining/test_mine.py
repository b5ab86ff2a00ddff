"""`harness mine` from end to end: the pairs of a plain loop, the same after a kill, and what it says of wrong input."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_models import save_sentence_model

import harness.mining
from harness.cli import main
from harness.errors import HarnessError
from harness.mining import run as running
from harness.mining.request import request_from
from harness.retrieval.margin import margins
from harness.retrieval.mine import mine as best_pairs
from harness.retrieval.neighbours import search_both

WORDS = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "lazy",
    "dog",
    "while",
    "two",
    "small",
    "cats",
    "under",
    "tree",
)


def sentences(seed: int, count: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, size=random.integers(3, 9))) for _ in range(count)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sentence_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def texts(tmp_path: Path) -> tuple[Path, Path]:
    """A source file with a repeated sentence and an empty line; a packed target that holds half of its sentences."""
    own = sentences(0, 90)
    source, target = tmp_path / "de.txt", tmp_path / "en.txt.gz"
    source.write_text("\n".join([*own, "", own[3]]) + "\n", encoding="utf-8")
    target.write_bytes(gzip.compress("\n".join([*sentences(1, 40), *own[:45]]).encode()))
    return source, target


def flags(texts: tuple[Path, Path], model: Path, output: Path, *more: str) -> list[str]:
    named = ["--source", str(texts[0]), "--target", str(texts[1]), "--model", str(model), "--output", str(output)]
    return ["mine", *named, "--quiet", *more]


def read(output: Path) -> list[tuple[float, str, str]]:
    rows = [line.split("\t") for line in output.read_text("utf-8").splitlines()]
    return [(float(score), source, target) for score, source, target in rows]


def die(label: str, done: int, total: int) -> None:
    raise KeyboardInterrupt


def test_two_texts_become_pairs_best_first(texts: tuple[Path, Path], model: Path, tmp_path: Path) -> None:
    output = tmp_path / "pairs.tsv"
    assert main(flags(texts, model, output)) == 0
    pairs = read(output)
    own = set(sentences(0, 90))
    assert [score for score, _, _ in pairs] == sorted((score for score, _, _ in pairs), reverse=True)
    for column in (1, 2):
        named = [pair[column] for pair in pairs]
        assert len(set(named)) == len(named), "one to one, equal sentences as one"
    assert {source for _, source, _ in pairs} <= own
    same = [pair for pair in pairs if pair[1] == pair[2]]
    assert len(same) >= 0.9 * len(set(sentences(0, 90)[:45]))
    assert not (tmp_path / "pairs.tsv.work").exists()


def test_pairs_are_those_of_the_library_s_own_parts(texts: tuple[Path, Path], model: Path, tmp_path: Path) -> None:
    from harness.checkpoint import open_checkpoint
    from harness.retrieval.embed import embed
    from harness.retrieval.encoder import EncoderSettings, load_encoder

    output = tmp_path / "pairs.tsv"
    done = harness.mining.mine(source=texts[0], target=texts[1], model=str(model), output=output, k=3, threshold=1.0)
    encoder = load_encoder(open_checkpoint(str(model)), EncoderSettings(pooling="sentence-transformers"))
    both_texts = [
        list(dict.fromkeys(sentences(0, 90))),
        list(dict.fromkeys([*sentences(1, 40), *sentences(0, 90)[:45]])),
    ]
    vectors = [embed(encoder, side) for side in both_texts]
    vectors = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in vectors]
    both = search_both(vectors[0], vectors[1], 3)
    assert margins(both, "ratio", 3).shape == (len(both_texts[0]), 3)
    found = best_pairs(both, 3)
    expected = [
        (f"{score:.6f}", both_texts[0][one], both_texts[1][other])
        for score, one, other in zip(found.score, found.source, found.target, strict=True)
        if score >= 1.0
    ]
    assert [tuple(line.split("\t")) for line in output.read_text("utf-8").splitlines()] == expected
    assert done.pairs == len(expected) > 10


def test_vectors_alone_give_row_numbers(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    source = random.standard_normal((80, 24)).astype(np.float32)
    target = source[::-1] + 0.1 * random.standard_normal((80, 24)).astype(np.float32)
    np.save(tmp_path / "a.npy", source)
    np.save(tmp_path / "b.npy", target.astype(np.float16))
    output = tmp_path / "pairs.tsv"
    vectors = (tmp_path / "a.npy", tmp_path / "b.npy")
    harness.mining.mine(vectors=vectors, output=output)
    pairs = read(output)
    assert len(pairs) == 80
    assert all(int(one) + int(other) == 79 for _, one, other in pairs)


def test_equal_vectors_are_one(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    own = random.standard_normal((30, 16)).astype(np.float32)
    np.save(tmp_path / "a.npy", np.concatenate([own, own]))
    np.save(tmp_path / "b.npy", own)
    output = tmp_path / "pairs.tsv"
    harness.mining.mine(vectors=(tmp_path / "a.npy", tmp_path / "b.npy"), output=output)
    assert sorted(int(one) for _, one, _ in read(output)) == list(range(30))


def test_vectors_with_their_texts_give_sentences(texts: tuple[Path, Path], tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    counts = (92, 85)
    for name, count in zip("ab", counts, strict=True):
        np.save(tmp_path / f"{name}.npy", random.standard_normal((count, 8)).astype(np.float32))
    given = {"vectors": (tmp_path / "a.npy", tmp_path / "b.npy"), "source": texts[0], "target": texts[1]}
    harness.mining.mine(**given, output=tmp_path / "pairs.tsv")
    assert {source for _, source, _ in read(tmp_path / "pairs.tsv")} <= set(sentences(0, 90))
    np.save(tmp_path / "a.npy", random.standard_normal((91, 8)).astype(np.float32))
    with pytest.raises(HarnessError, match=r"a\.npy has 91 rows, its text 92 lines"):
        harness.mining.mine(**given, output=tmp_path / "other.tsv")


def test_a_killed_run_goes_on_to_the_same_file(
    texts: tuple[Path, Path], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of embedding each side: the sentences that are done are not embedded again."""
    monkeypatch.setattr(running, "CHUNK_ROWS", 16)
    straight = tmp_path / "straight.tsv"
    given = {"source": texts[0], "target": texts[1], "model": str(model)}
    harness.mining.mine(**given, output=straight)
    output, seen = tmp_path / "pairs.tsv", []
    for label, place in (("embedding source", 48), ("embedding target", 32)):

        def die_there(now: str, done: int, total: int, label: str = label, place: int = place) -> None:
            seen.append((now, done))
            if now == label and done == place:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            harness.mining.mine(**given, output=output, progress=die_there)
        assert not output.exists()
    harness.mining.mine(**given, output=output, progress=lambda *now: seen.append(now[:2]))
    assert output.read_bytes() == straight.read_bytes()
    embedded = [place for label, place in seen if label == "embedding source"]
    assert embedded == sorted(set(embedded)), "each chunk once"


def test_a_real_kill_leaves_what_the_next_run_needs(texts: tuple[Path, Path], model: Path, tmp_path: Path) -> None:
    straight, output = tmp_path / "straight.tsv", tmp_path / "pairs.tsv"
    assert main(flags(texts, model, straight)) == 0
    command = [sys.executable, "-m", "harness", *flags(texts, model, output)]
    process = subprocess.Popen(command)
    while not (tmp_path / "pairs.tsv.work" / "run.json").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not output.exists()
    assert main(flags(texts, model, output)) == 0
    assert output.read_bytes() == straight.read_bytes()


def test_half_built_files_are_never_read(texts: tuple[Path, Path], model: Path, tmp_path: Path) -> None:
    straight, output = tmp_path / "straight.tsv", tmp_path / "pairs.tsv"
    assert main(flags(texts, model, straight)) == 0
    with pytest.raises(KeyboardInterrupt):
        harness.mining.mine(source=texts[0], target=texts[1], model=str(model), output=output, progress=die)
    for name in ("source.part", ".source.txt.1", ".source.2", "source.txt", ".run.json.3"):
        (tmp_path / "pairs.tsv.work" / name).write_bytes(b"half a fi")
    assert main(flags(texts, model, output)) == 0
    assert output.read_bytes() == straight.read_bytes()


def test_a_run_with_other_inputs_does_not_go_on_from_there(
    texts: tuple[Path, Path], model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "pairs.tsv"
    given = {"source": texts[0], "target": texts[1], "model": str(model), "output": output}
    with pytest.raises(KeyboardInterrupt):
        harness.mining.mine(**given, progress=die)
    with pytest.raises(HarnessError, match="unfinished run with other model"):
        harness.mining.mine(**given, max_length=8)
    texts[0].write_text("another\n", encoding="utf-8")
    with pytest.raises(HarnessError, match="unfinished run with other files"):
        harness.mining.mine(**given)


@pytest.mark.parametrize("index", ["exact", "faiss", "faiss16", "ivf", "ivfpq"])
def test_every_index_mines(index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(3)
    topics = random.standard_normal((30, 32))
    source = topics[random.integers(30, size=600)] + 0.3 * random.standard_normal((600, 32))
    target = source + 0.05 * random.standard_normal((600, 32))
    for name, side in (("a", source), ("b", target)):
        np.save(tmp_path / f"{name}.npy", side)
    output = tmp_path / "pairs.tsv"
    command = ["mine", "--vectors", str(tmp_path / "a.npy"), str(tmp_path / "b.npy"), "--output", str(output)]
    assert main([*command, "--index", index, "--format", "json"]) == 0
    pairs = read(output)
    assert sum(one == other for _, one, other in pairs) > 570
    told = json.loads(capsys.readouterr().out)
    assert told["pairs"] == len(pairs)
    assert (told["recall"] is None) == (index in ("exact", "faiss"))


def test_a_dry_run_estimates_and_writes_nothing(
    texts: tuple[Path, Path], model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    arguments = [one for one in flags(texts, model, tmp_path / "pairs.tsv", "--dry-run") if one != "--quiet"]
    assert main([*arguments, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in told["steps"]] == ["reading", "vectors", "search", "pairs"]
    assert all(step["seconds"] >= 0 and step["memory"] > 0 for step in told["steps"])
    assert told["steps"][1]["disk"] == 4 * (92 + 85) * 32
    assert main(arguments) == 0
    assert "in all" in capsys.readouterr().out
    assert sorted(tmp_path.iterdir()) == before


def test_all_mistakes_are_named_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["mine", "--source", "no/de.txt", "--output", str(tmp_path / "no" / "pairs.tsv")]
    assert main(command) == 2
    error = capsys.readouterr().err
    for part in (
        "neither --model nor --vectors",
        "--source and --target go together",
        "no/de.txt is not there",
        "folder",
    ):
        assert part in error
    with pytest.raises(HarnessError, match="Did you mean ivf"):
        request_from(output=tmp_path / "a", vectors=(tmp_path, tmp_path), index="ivff")


def test_wrong_vectors_are_refused(tmp_path: Path) -> None:
    a, b = tmp_path / "a.npy", tmp_path / "b.npy"
    good = np.eye(4, dtype=np.float32)
    bad = good.copy()
    bad[2, 1] = np.nan
    cases = {
        "4 dimensions, the target's 3": (good, np.ones((4, 3), np.float32)),
        "row 2 is zero or not finite": (bad, good),
        "row 1 is zero": (good, np.float32([[1, 0, 0, 0], [0, 0, 0, 0]])),
        r"int64 of shape \(4,\)": (good, np.arange(4)),
        r"float32 of shape \(0, 4\)": (good[:0], good),
    }
    for message, (source, target) in cases.items():
        np.save(a, source)
        np.save(b, target)
        with pytest.raises(HarnessError, match=message):
            harness.mining.mine(vectors=(a, b), output=tmp_path / f"{len(message)}.tsv")
    a.write_bytes(b"no array")
    with pytest.raises(HarnessError, match=r"a\.npy cannot be read"):
        harness.mining.mine(vectors=(a, b), output=tmp_path / "pairs.tsv")
