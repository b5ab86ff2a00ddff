"""Results in a bucket: the same files, the same reading, and a run from beginning to end."""

from pathlib import Path

import pytest
from executors import make_model
from kill_and_resume import files

from harness.api import evaluate, open_results
from harness.errors import HarnessError
from harness.folder import cache_of, is_remote, open_folder
from harness.store import Result, Store, open_store


def test_a_disk_is_a_path(tmp_path: Path) -> None:
    assert open_folder("results") == Path("results")
    assert open_folder(f"file://{tmp_path}") == tmp_path
    assert isinstance(open_folder(f"file://{tmp_path}"), Path)
    assert not is_remote(tmp_path)
    assert cache_of(tmp_path) == tmp_path / ".cache"


def test_a_bucket_keeps_its_models_on_a_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    folder = open_folder("memory://results")
    assert is_remote(folder)
    assert cache_of(folder).parent == tmp_path
    assert cache_of(open_folder("memory://others")) != cache_of(folder)


def test_what_fsspec_does_not_know_or_have_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    with pytest.raises(HarnessError, match="nowhere://results is no place that fsspec knows"):
        open_folder("nowhere://results")

    def lacks(scheme: str) -> None:
        raise ImportError("Install s3fs")

    monkeypatch.setattr(fsspec, "get_filesystem_class", lacks)
    with pytest.raises(HarnessError, match=r"pip install 'fsspec\[s3\]'"):
        open_folder("s3://bucket/results")


def _result(language: str, status: str = "skipped") -> Result:
    return Result("ckpt", "xnli", language, "test", "transfer", {}, 42, status, {}, "transfer", reason="none")


def test_a_bucket_reads_as_a_disk_does(tmp_path: Path) -> None:
    stores = [open_store("memory://store"), open_store(tmp_path)]
    for store in stores:
        for language in ("sw", "de"):
            store.write(_result(language), run={"seconds": 1})
    memory, disk = ([(one.language, one.reason, one.folder) for one in store.results()] for store in stores)
    assert memory == disk == [("de", "none", "transfer"), ("sw", "none", "transfer")]
    assert stores[0].read(_result("de")) == stores[1].read(_result("de")) == _result("de")
    assert stores[0].read(_result("fr")) is None
    assert stores[0].run(_result("de")) == {"seconds": 1}


def test_an_evaluation_into_a_bucket_is_that_on_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    model = make_model(tmp_path / "tiny")
    bucket = "memory://evaluated"
    options = {"data": "bundled", "languages": ["de", "fr"], "device": "cpu"}
    for output in (bucket, tmp_path / "disk", f"file://{tmp_path}/url"):
        assert len(evaluate(str(model), "tatoeba", output=output, **options).outcome.written) == 2  # type: ignore[union-attr, arg-type]
    expected = files(tmp_path / "disk")
    assert files(tmp_path / "url") == expected
    root = open_folder(bucket)
    found = {
        "/".join(path.relative_to(root).parts): path.read_bytes()
        for path in root.glob("**/*")
        if path.is_file() and ".run.json" not in path.name
    }
    assert found == expected
    again = evaluate(str(model), "tatoeba", output=bucket, **options)  # type: ignore[arg-type]
    assert again.outcome is not None
    assert (len(again.outcome.written), len(again.outcome.kept)) == (0, 2)
    assert [vars(row) for row in open_results(bucket)] == [vars(row) for row in open_results(tmp_path / "disk")]
    (bucket_result, *_) = Store(root).results()
    assert Store(root).items(bucket_result) == Store(tmp_path / "disk").items(bucket_result)
