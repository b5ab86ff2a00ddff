"""`harness study` on tiny models and the bundled data: what it does, how it resumes, what it refuses."""

import json
import random

import pytest
import tiny_models as tiny
import torch

from harness.api import Watch
from harness.checkpoint import open_checkpoint
from harness.cli import main
from harness.errors import HarnessError
from harness.flags import build_parser
from harness.report.study.matrix import Readout
from harness.study import manifest
from harness.study.flags import request_from
from harness.study.jobs import Done, Setting, jobs_of
from harness.study.run import run_study

SMALL = "--recipe-batch-size 8 --recipe-max-length 32 --recipe-dev-limit 8 --recipe-device cpu --device cpu"
TUNED = "--max-steps 2 --batch-size 8 --evaluate-every 2 --languages en,de,fr"
TUNED += " --set pawsx:max-length=32 --set pawsx:limit=12"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """For the studies of fixtures too: the bits of a training depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny encoder with its masked-language-model head."""
    return tiny.save_model(tmp_path_factory.mktemp("base") / "tiny", "bert", "masked-lm", layers=3)


def request(base, output, recipes="none,qqp,pairs", seeds="1,2,3", more=""):
    flags = f"study --base {base} --recipes {recipes} --tasks tatoeba,pawsx --seeds {seeds} --data bundled"
    given = f"{flags} --output {output} --recipe-max-steps 3 {SMALL} {TUNED} {more}"
    return request_from(build_parser().parse_args(given.split()))


def contents(folder, *names):
    """What must not depend on how often a study was interrupted."""
    found = {}
    for name in names:
        for path in sorted((folder / name).rglob("*")) if (folder / name).is_dir() else [folder / name]:
            own = str(path.relative_to(folder))
            if path.is_file() and "/." not in own and ".run.json" not in own:
                found[own] = path.read_bytes()
    return found


def times(folder):
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def calm(base, tmp_path_factory):
    """A study that nobody disturbed."""
    output = tmp_path_factory.mktemp("calm") / "study"
    done = run_study(request(base, output))
    assert not done.done.failed
    return output, done


def test_the_table_holds_every_recipe_and_task(calm):
    output, done = calm
    record = json.loads((output / "table.json").read_text("utf-8"))
    assert [row["row"] for row in record["rows"]] == ["none", "qqp", "pairs"]
    for row in record["rows"]:
        assert set(row["cells"]) == {"tatoeba", "pawsx"}
        assert ("difference" in row["cells"]["tatoeba"]) == (row["row"] != "none")
    assert {row["row"]: row.get("steps") for row in record["rows"]} == {"none": None, "qqp": 3, "pairs": 3}
    cell = record["rows"][2]["cells"]["tatoeba"]
    assert cell["seeds"] == [1, 2, 3] and cell["difference"]["count"] == 3 and cell["difference"]["indicative"]
    assert set(cell["languages"]) == {"de", "fr"}
    assert record["rows"][1]["cells"]["pawsx"]["related"]
    # 2 recipes x 3 seeds, and 3 rows x 3 seeds x (tatoeba, all its layers, pawsx)
    assert len(done.done.run) == 6 + 27
    assert len(list((output / "checkpoints").glob("*/manifest.json"))) == 6


def test_layers_are_pinned_and_others_stand_beside(calm):
    output, _ = calm
    record = json.loads((output / "table.json").read_text("utf-8"))
    (tatoeba, pawsx) = record["columns"]
    assert (tatoeba["layer"], tatoeba["pooling"], tatoeba["protocol"]) == (2, "mean", "retrieve")
    assert pawsx["protocol"] == "transfer"
    # Two languages are too few to choose a layer on others.
    assert "other_layers" not in record["rows"][1]["cells"]["tatoeba"]
    layers = {path.parent.name for path in (output / "results" / "qqp.seed1" / "tatoeba").rglob("de.seed0.json")}
    assert layers == {"retrieve", "retrieve@layer1", "retrieve@layer3"}


def test_the_manifest_is_there_before_the_first_score(base, tmp_path):
    seen = []

    def first(label, done, total):
        seen.append(((tmp_path / "study" / "manifest.json").is_file(), label))

    run_study(request(base, tmp_path / "study", "none,qqp", "1"), Watch(progress=first))
    assert all(there for there, label in seen if label.startswith(("training", "embedding", "none:", "qqp")))
    record = manifest.read(tmp_path / "study")
    estimand = record["estimand"]
    assert estimand["primary"].startswith("mean over non-English languages of the paired difference")
    assert estimand["questions"] == [{"treatment": "qqp", "against": ["none"]}]
    assert estimand["smallest_effect"]["points_if_that_deviation_is_one_point"] is None
    assert record["tasks"]["pawsx"]["languages"] == ["en", "de", "fr"]
    assert record["budgets"]["qqp"]["steps"] == 3


class Killed(BaseException):
    """As sudden as a signal."""


def test_killed_at_random_points_it_gives_the_same_table(calm, base, tmp_path):
    output, _ = calm
    generator, kills = random.Random(5), 0
    other = tmp_path / "study"
    for _ in range(12):
        left = generator.randint(1, 60)

        def progress(label, done, total):
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        try:
            run_study(request(base, other, more="--recipe-save-every 1"), Watch(progress=progress))
            break
        except Killed:
            kills += 1
    assert kills >= 5
    assert not run_study(request(base, other, more="--recipe-save-every 1")).done.failed
    names = ("table.json", "results")
    assert contents(other, *names) == contents(output, *names)


def test_a_further_recipe_recomputes_nothing_else(base, tmp_path):
    output = tmp_path / "study"
    run_study(request(base, output, "none,qqp", "1,2"))
    before = times(output / "results") | times(output / "checkpoints")
    done = run_study(request(base, output, "none,qqp,pairs", "1,2")).done
    after = times(output / "results") | times(output / "checkpoints")
    changed = [path for path, when in before.items() if after.get(path) != when and "/.cache/" not in path]
    assert not changed
    assert done.run and all(name.startswith("pairs.") for name in done.run)
    record = manifest.read(output)
    (added,) = record["amendments"]
    assert added["rows"] == ["pairs"] and added["scores_known"] > 0
    # The first recipes stay in the study though they are not named again.
    kept = run_study(request(base, output, "none,pairs", "1")).done
    assert not kept.run
    rows = json.loads((output / "table.json").read_text("utf-8"))["rows"]
    assert [row["row"] for row in rows] == ["none", "qqp", "pairs"]


def test_another_study_in_the_same_folder_is_refused(calm, base):
    output, _ = calm
    before = contents(output, "manifest.json")
    for more, said in (
        ("--match tokens", "other match"),
        ("--recipe-learning-rate 1e-3", "other training"),
        ("--learning-rate 1e-3", "other evaluation"),
        ("--set qqp:learning-rate=1e-3", "other --set qqp"),
    ):
        with pytest.raises(HarnessError, match=said):
            run_study(request(base, output, more=more))
    assert contents(output, "manifest.json") == before


def test_budgets_are_equal(base, tmp_path):
    """By tokens the recipe with shorter texts makes more steps; by steps all make those of the shortest."""
    from harness.study.budget import Budget, matched

    own = {"a": Budget(100, 100, 8, 50.0, (), {}), "b": Budget(300, 300, 8, 25.0, (), {})}
    steps, common = matched(own, "steps", None)
    assert ({one.steps for one in steps.values()}, common) == ({100}, 100)
    tokens, common = matched(own, "tokens", None)
    assert ({label: one.steps for label, one in tokens.items()}, common) == ({"a": 100, "b": 200}, 5000.0)
    assert {one.tokens for one in tokens.values()} == {5000}
    later, common = matched({"c": Budget(10, 10, 8, 50.0, (), {})}, "tokens", common)
    assert (later["c"].steps, common) == (100, 5000.0)
    assert {one.steps for one in matched(own, "none", None)[0].values()} == {100, 300}


def test_a_dry_run_prints_costs_and_writes_nothing(base, tmp_path, capsys):
    flags = f"study --base {base} --recipes none,qqp --tasks tatoeba,pawsx --seeds 1,2 --data bundled --dry-run"
    given = f"{flags} --output {tmp_path / 'study'} --recipe-max-steps 3 {SMALL} {TUNED} --format json --quiet"
    assert main(given.split()) == 0
    jobs = json.loads(capsys.readouterr().out)
    assert len(jobs) == 2 + 4 * 3
    assert all(one["tokens"] > 0 and one["seconds"] > 0 and not one["done"] for one in jobs)
    assert [one["steps"] for one in jobs if one["kind"] == "train"] == [3, 3]
    assert not (tmp_path / "study").exists()


def test_evaluations_may_be_done_by_several_processes(base, tmp_path):
    """--executor and --workers say who does an evaluation: no setting of it, and no part of what a job is asked for."""
    asked = request(base, tmp_path / "study", "none,qqp", "1", "--executor devices --workers 2")
    assert len(run_study(asked, dry_run=True).estimated) == 1 + 2 * 3
    setting = Setting(asked, open_checkpoint(str(base)), (Readout("pawsx", "transfer", "test", ("en",)),), {})
    job = next(jobs_of(setting))
    assert (job.options["executor"], job.options["workers"]) == ("devices", 2)
    assert not {"executor", "workers"} & set(job.asked)


def test_scored_texts_in_the_base_are_refused(base, tmp_path):
    """The base's manifest tells what it has read: here the very pairs that Tatoeba asks for."""
    import shutil

    import numpy as np

    from harness.checkpoint.manifest import HASHES, TrainingTexts, write_texts
    from harness.tasks import get_task
    from harness.tasks.overlap import normalised_hash
    from harness.tasks.source import open_source

    told = tmp_path / "told"
    shutil.copytree(base, told)
    pairs = get_task("tatoeba").load(open_source("bundled"), "de", "test", None).examples
    exact = np.unique(np.array([int(normalised_hash(one.target), 16) for one in pairs[:3]], np.uint64))
    write_texts(TrainingTexts(exact, np.zeros(0, np.uint64)), told / HASHES)
    (told / "manifest.json").write_text(json.dumps({"schema": 1, "data": [], "parents": []}))
    with pytest.raises(HarnessError, match=r"the base has read items of tatoeba \(de 3\).*--allow-contaminated"):
        run_study(request(told, tmp_path / "study", "none,qqp", "1"))
    assert not (tmp_path / "study" / "manifest.json").exists()


# A task of which one split holds a question that the recipe qqp is trained on.
KNOWN = """
from dataclasses import replace
from harness.examples import Pair
from harness.tasks import get_task
from harness.tasks.task import Loaded, content_hash

def load(source, language, split, limit):
    known = ["How do I repair a lantern that was left in the rain?"] if split == "{split}" else []
    pairs = tuple(Pair(at, one, one[::-1]) for at, one in enumerate([*known, "a sentence", "another one"]))
    return Loaded(pairs, split, content_hash(pairs), len(pairs))

TASK = replace(get_task("tatoeba"), name="known", splits=("validation", "test"), load=load)
"""


def with_known(base, output, tasks, split, more=""):
    """A study of qqp with that task at hand."""
    file = output.parent / "known.py"
    file.write_text(KNOWN.format(split=split), "utf-8")
    flags = f"study --base {base} --recipes none,qqp{more} --tasks {tasks} --seeds 1 --data bundled --languages de"
    given = f"{flags} --output {output} --include {file} {SMALL}"
    return request_from(build_parser().parse_args(given.split()))


@pytest.fixture
def idle(monkeypatch):
    """Nothing is trained or scored, and no other test knows of a task that is included."""
    monkeypatch.setattr("harness.tasks._OUTSIDE", {})
    monkeypatch.setattr("harness.study.run.do", lambda *_: Done((), (), {}))


@pytest.mark.usefixtures("idle")
def test_a_task_that_is_added_is_looked_for_in_the_recipes_of_before(base, tmp_path):
    output = tmp_path / "study"
    run_study(with_known(base, output, "tatoeba", "test"))
    before = manifest.read(output)
    with pytest.raises(HarnessError, match=r"qqp has read items of known \(de 1\)"):
        run_study(with_known(base, output, "known", "test"))
    assert manifest.read(output) == before
    run_study(with_known(base, output, "known", "neither"))
    added = manifest.read(output)
    assert set(added["tasks"]) == {"tatoeba", "known"}
    assert added["budgets"] == before["budgets"]


@pytest.mark.usefixtures("idle")
def test_nothing_is_picked_on_a_development_set_that_a_recipe_has_read(base, tmp_path):
    """Not in a study that asks for it from the start, and not where it is asked for later."""
    run_study(with_known(base, tmp_path / "clean", "known", "neither", ",best-per-target"))
    assert set(manifest.read(tmp_path / "clean")["development"]) == {"known"}
    run_study(with_known(base, tmp_path / "later", "known", "validation"))
    for name in ("read", "later"):
        said = run_study(with_known(base, tmp_path / name, "known", "validation", ",best-per-target")).notes
        assert "best-per-target picks nothing for known: items of its development set were read by qqp (de 1)" in said
        assert not manifest.read(tmp_path / name)["development"]


@pytest.mark.parametrize(
    ("recipes", "more", "said"),
    [
        ("none,mnl,sqad", "", "'mnl'.*'sqad'"),
        ("none", "", "no recipe beside none"),
        ("none,qqp,qqp", "", "qqp stands twice"),
        ("none,mlm_scratch", "", "mlm_scratch has no base"),
        ("none,qqp", "--treatment mnli", "--treatment mnli is none of the recipes"),
        ("none,qqp", "--layer all", "--layer all pins nothing"),
        ("none,qqp", "--set tatoba:limit=3", "Did you mean tatoeba"),
        ("none,mlm,qqp", "--recipe-corpora nowhere", "mlm: "),
    ],
)
def test_mistakes_are_one_sentence(base, tmp_path, recipes, more, said):
    with pytest.raises(HarnessError, match=said):
        run_study(request(base, tmp_path / "study", recipes, "1", more))
    assert not (tmp_path / "study").exists()


def test_a_failed_job_fails_alone(base, tmp_path, capsys):
    """A learning rate that bursts one recipe: the others are scored, the exit code is 1."""
    flags = f"study --base {base} --recipes none,qqp,pairs --tasks tatoeba --languages de --seeds 1 --data bundled"
    given = f"{flags} --output {tmp_path / 'study'} --recipe-max-steps 3 {SMALL} --quiet"
    assert main([*given.split(), "--set", "qqp:learning-rate=1e30"]) == 1
    rows = {row["row"]: row for row in json.loads((tmp_path / "study" / "table.json").read_text("utf-8"))["rows"]}
    assert not rows["qqp"]["cells"] and rows["pairs"]["cells"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a device that is not there")
def test_where_everything_fails_the_reasons_are_told(base, tmp_path, capsys):
    flags = f"study --base {base} --recipes none,other=none --tasks tatoeba,pawsx --languages de --seeds 1"
    assert (
        main([*flags.split(), "--data", "bundled", "--output", str(tmp_path / "study"), "--device", "cuda", "--quiet"])
        == 1
    )
    told = capsys.readouterr().err
    assert "failed  none.tatoeba.seed1: " in told and "cuda" in told
    assert "not scored yet, or failed: none tatoeba" in (tmp_path / "study" / "table.md").read_text("utf-8")


def test_rows_may_be_source_languages(base, tmp_path):
    """turc2021's design: no recipe, but another language of the fine-tuning."""
    flags = f"study --base {base} --preset turc2021 --tasks pawsx --data bundled --seeds 1 {TUNED}"
    parsed = build_parser().parse_args([*flags.split(), "--output", str(tmp_path / "study")])
    request_ = request_from(parsed)
    assert [row.label for row in request_.rows] == ["en", "de", "ru"] and not request_.trained
    assert request_.own["de"] == {"source_language": "de"}
    done = run_study(request_)
    # The bundled data hold no German or Russian training pairs.
    assert {name.split(".")[0] for name in done.done.failed} == {"de", "ru"}
    verdicts = {one.claim: one.verdict for one in done.report.verdicts}
    assert set(verdicts.values()) == {"not run"}


def test_every_claim_has_a_source():
    from harness.study.presets import PRESETS

    claims = [claim for preset in PRESETS.values() for claim in preset.claims]
    assert len(claims) > 10 and all(claim.source for claim in claims)


def test_recipes_that_are_planned_are_told_apart():
    """By their names alone: the recipes themselves are made elsewhere."""
    from harness.report.study.related import related, text_only

    assert not any(text_only((name,)) for name in ("image_text", "image_text_random", "image_text_shuffled"))
    assert all(text_only((name,)) for name in ("mlm_captions", "pairs", "text_text", "mnli")) and not text_only(())
    assert related(("qqp", "mlm"), "pawsx") and not related(("qqp",), "xnli")


def test_the_command_prints_a_table(calm, base, capsys):
    output, _ = calm
    flags = f"study --base {base} --recipes none,qqp,pairs --tasks tatoeba,pawsx --seeds 1,2,3 --data bundled"
    given = f"{flags} --output {output} --recipe-max-steps 3 {SMALL} {TUNED}".split()
    assert main(given) == 0
    told = capsys.readouterr()
    assert "tatoeba" in told.out and "indicative" in told.out and "0 jobs done" in told.err
    assert main([*given, "--format", "markdown", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("# Study of tiny")
