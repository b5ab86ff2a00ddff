"""A study's table from made results: hand-computed cells, pairing, kin, best-per-target, the estimand, claims."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_results import Made, write

from harness.report.study.claims import Claim, Evidence, amounts, gains, judged, leads, scores
from harness.report.study.command import Asked, report
from harness.report.study.estimand import PRIMARY, TO_REFERENCE, Control, Question, control_findings, findings
from harness.report.study.matrix import Readout, read_columns
from harness.report.study.table import Line, make_table
from harness.store import Store

LANGUAGES = ("en", "de", "sw")
SEEDS = (1, 2, 3)
XNLI = Readout("xnli", "transfer", "test", LANGUAGES)
N = 300


def answers(share, seed, name, n=N):
    """Which of n answers are right, about this share of them; harder items are hard for every recipe."""
    hard = np.random.default_rng(99).random(n)
    noise = np.random.default_rng([seed, *name.encode()]).normal(0, 0.1, n)
    return hard + noise < share


def fill(root, row, shares, seeds=SEEDS, task="xnli", **more):
    """A row's results; `none` is one checkpoint, fine-tuned once a seed."""
    for seed in seeds:
        name = row if row == "none" else f"{row}.seed{seed}"
        own = {code: answers(share, seed, row + code) for code, share in zip(LANGUAGES, shares, strict=True)}
        write(root, Made(name, task=task, seed=seed, **more), own, average=False)


def names(*rows, seeds=SEEDS):
    return {row: {seed: row if row == "none" else f"{row}.seed{seed}" for seed in seeds} for row in rows}


LINES = (Line("none", ()), Line("mnli", ("mnli",), 100, 5000), Line("qqp", ("qqp",), 100, 4000))


@pytest.fixture
def columns(tmp_path):
    fill(tmp_path, "none", (0.7, 0.6, 0.5))
    fill(tmp_path, "mnli", (0.8, 0.75, 0.65))
    fill(tmp_path, "qqp", (0.7, 0.6, 0.5))
    return read_columns(Store(tmp_path), [XNLI], names("none", "mnli", "qqp"))


def test_a_cell_is_the_mean_over_seeds_and_the_paired_difference(columns):
    table = make_table(columns, LINES, "none", {})
    shares = {
        row: np.mean(
            [[answers(s, seed, row + code).mean() for code, s in zip(LANGUAGES, own, strict=True)] for seed in SEEDS],
            axis=0,
        )
        for row, own in (("none", (0.7, 0.6, 0.5)), ("mnli", (0.8, 0.75, 0.65)))
    }
    cell = table.cells["mnli"]["xnli"]
    assert cell.estimate.value == pytest.approx(shares["mnli"].mean())
    assert cell.difference.value == pytest.approx((shares["mnli"] - shares["none"]).mean())
    assert cell.languages["sw"].value == pytest.approx(shares["mnli"][2] - shares["none"][2])
    assert cell.difference.low > 0.05 and cell.difference.indicative
    assert table.cells["none"]["xnli"].difference is None
    same = table.cells["qqp"]["xnli"].difference
    assert same.low < 0 < same.high
    assert cell.related and not table.cells["qqp"]["xnli"].related


def test_pairing_makes_the_difference_surer_than_two_scores(columns):
    """Items that are hard for both cancel out."""
    table = make_table(columns, LINES, "none", {})
    alone = [table.cells[row]["xnli"].estimate.items for row in ("none", "mnli")]
    assert table.cells["mnli"]["xnli"].difference.items < 0.8 * np.hypot(*alone)


def test_two_seeds_have_no_interval(tmp_path):
    fill(tmp_path, "none", (0.7, 0.6, 0.5), seeds=(1, 2))
    fill(tmp_path, "mnli", (0.8, 0.75, 0.65), seeds=(1, 2))
    own = read_columns(Store(tmp_path), [XNLI], names("none", "mnli", seeds=(1, 2)))
    difference = make_table(own, LINES[:2], "none", {}).cells["mnli"]["xnli"].difference
    assert (difference.low, difference.high, difference.count) == (None, None, 2)


def test_a_seed_without_every_language_waits(tmp_path):
    fill(tmp_path, "none", (0.7, 0.6, 0.5))
    fill(tmp_path, "mnli", (0.8, 0.75, 0.65))
    for path in (tmp_path / "mnli.seed2").rglob("sw.seed2.json"):
        path.unlink()
    (column,) = read_columns(Store(tmp_path), [XNLI], names("none", "mnli"))
    assert column.seeds == {"none": (1, 2, 3), "mnli": (1, 3)}
    assert len(column.difference("mnli", "none").values) == 2
    assert column.difference("mnli", "qqp") is None


def test_rows_of_different_data_are_not_compared(tmp_path):
    """Their column stays empty and says why; the others stand."""
    for task in ("xnli", "pawsx"):
        fill(tmp_path / "results", "none", (0.7, 0.6, 0.5), task=task)
        fill(tmp_path / "results", "mnli", (0.8, 0.75, 0.65), task=task, data="other" if task == "xnli" else "d0")
    both = replace(asked(["none", "mnli"]), readouts=(XNLI, replace(XNLI, task="pawsx")))
    done = report(tmp_path, both)
    assert "xnli" not in done.table.cells["mnli"] and "pawsx" in done.table.cells["mnli"]
    assert not done.table.means["mnli"]
    assert any(line.startswith("not compared: xnli en was scored with different data") for line in done.remarks)
    assert not any(line.startswith("not scored yet") for line in done.remarks)


def test_a_recipe_is_read_at_its_own_layer_where_the_base_cannot_be_read(tmp_path):
    """A recipe with a layer of its own, beside one without: both have a tower, the base has none."""
    for row, layer in (("mnli", 2), ("qqp", 3)):
        fill(tmp_path, row, (0.7, 0.6, 0.5), settings={"layer": layer, "pooling": "mean", "limit": 3})
    (column,) = read_columns(Store(tmp_path), [replace(XNLI, base_lacks="it has no tower")], names("mnli", "qqp"))
    assert set(column.cells) == {"mnli", "qqp"} and not column.broken
    (column,) = read_columns(Store(tmp_path), [XNLI], names("mnli", "qqp"))
    assert not column.cells and "different settings: layer 2, pooling mean, limit 3; layer 3" in column.broken


def test_means_are_given_with_and_without_kin(tmp_path):
    readouts = [XNLI, Readout("pawsx", "transfer", "test", LANGUAGES)]
    for task in ("xnli", "pawsx"):
        fill(tmp_path, "none", (0.7, 0.6, 0.5), task=task)
        fill(tmp_path, "mnli", (0.8, 0.75, 0.65) if task == "xnli" else (0.7, 0.62, 0.5), task=task)
    own = read_columns(Store(tmp_path), readouts, names("none", "mnli"))
    mean = make_table(own, LINES[:2], "none", {}).means["mnli"]["transfer"]
    parts = [one.difference("mnli", "none").mean for one in own]
    assert mean.difference.value == pytest.approx(np.mean(parts))
    assert mean.unrelated.value == pytest.approx(parts[1])
    assert mean.unrelated_tasks == ("pawsx",)


def test_protocols_are_never_averaged_together(tmp_path):
    fill(tmp_path, "none", (0.7, 0.6, 0.5))
    fill(tmp_path, "mnli", (0.8, 0.75, 0.65))
    made = {"folder": "head", "settings": {}}
    for seed in SEEDS:
        for row in ("none", "mnli.seed1", "mnli.seed2", "mnli.seed3"):
            write(tmp_path, Made(row, task="pawsx", seed=seed, **made), {"en": answers(0.5, 1, row)}, average=False)
    own = [XNLI, Readout("pawsx", "transfer", "test", ("en",))]
    table = make_table(read_columns(Store(tmp_path), own, names("none", "mnli")), LINES[:2], "none", {})
    assert "pawsx" not in table.cells["mnli"]  # made through a head, not by the readout
    assert not table.means["mnli"]


def test_the_treatment_must_beat_every_text_only_recipe(columns):
    question = Question("mnli", ("none", "qqp"), PRIMARY)
    found = {one.kind: one for one in findings(columns, [question])}
    (column,) = columns
    each = {other: column.difference("mnli", other, ("de", "sw")).mean for other in ("none", "qqp")}
    primary = found["primary"]
    assert primary.against == min(each, key=each.get)
    assert primary.estimate.value == pytest.approx(min(each.values()))
    assert primary.smallest > 0
    english = column.difference("mnli", primary.against, ("en",)).mean
    second = [
        column.difference("mnli", one, ("de", "sw")).mean - column.difference("mnli", one, ("en",)).mean
        for one in ("none", "qqp")
    ]
    assert found["secondary"].estimate.value == pytest.approx(min(second))
    assert english > 0


def test_vision_and_pivoting_are_told_apart(tmp_path):
    rows = {"none": 0.5, "seen": 0.8, "random": 0.65, "shuffled": 0.5}
    for row, share in rows.items():
        fill(tmp_path, row, (share,) * 3)
    own = read_columns(Store(tmp_path), [XNLI], names(*rows))
    pairs = [Control("vision", "seen", "random"), Control("pivoting", "random", "shuffled")]
    every = [*findings(own, [Question("seen", ("none",), "")]), *control_findings(own, pairs)]
    found = {one.kind: one.estimate.value for one in every}
    assert found["vision"] == pytest.approx(0.15, abs=0.03)
    assert found["pivoting"] == pytest.approx(0.15, abs=0.03)
    assert found["primary"] == pytest.approx(found["vision"] + found["pivoting"], abs=0.03)


def test_several_recipes_are_one_family(columns):
    """Holm: the smaller of two p-values is doubled."""
    found = findings(columns, [Question(row, ("none",), TO_REFERENCE) for row in ("mnli", "qqp")])
    primary = {one.row: one for one in found if one.kind == "primary"}
    assert primary["mnli"].p_holm == pytest.approx(2 * primary["mnli"].estimate.p)
    assert primary["qqp"].p_holm == pytest.approx(primary["qqp"].estimate.p)


def asked(rows, **more):
    record = {
        "core": {"base": {"name": "tiny"}, "reference": "none", "preset": None},
        "seeds": list(SEEDS),
        "notes": ["a note"],
        "estimand": {"primary": TO_REFERENCE},
    }
    lines = tuple(line for line in LINES if line.label in rows)
    questions = (Question("mnli", ("none",), TO_REFERENCE),)
    given = {"development": (), "questions": questions, "controls": (), "claims": (), **more}
    return Asked(record=record, lines=lines, names=names(*rows), readouts=(XNLI,), **given)


def test_best_per_target_picks_on_the_development_set(tmp_path):
    """MNLI is better on test, QQP on dev: QQP is picked."""
    for row, test, dev in (("none", 0.5, 0.5), ("mnli", 0.8, 0.4), ("qqp", 0.6, 0.7)):
        fill(tmp_path / "results", row, (test,) * 3)
        for seed in SEEDS:
            name = row if row == "none" else f"{row}.seed{seed}"
            made = Made(name, seed=seed, split="validation", folder="transfer@validation", data="dev")
            write(tmp_path / "results", made, {"en": answers(dev, seed, f"dev{row}")}, average=False)
    dev = Readout("xnli", "transfer", "validation", ("en",))
    done = report(tmp_path, asked(["none", "mnli", "qqp"], development=(dev,)))
    assert done.record["best_per_target"] == {"xnli": "qqp"}
    best = done.table.cells["best-per-target"]["xnli"]
    assert best.estimate == done.table.cells["qqp"]["xnli"].estimate
    other = report(tmp_path, asked(["none", "mnli", "qqp"]))
    assert "best-per-target" not in other.table.cells


def test_the_files_say_what_the_table_says(tmp_path):
    fill(tmp_path / "results", "none", (0.7, 0.6, 0.5))
    fill(tmp_path / "results", "mnli", (0.8, 0.75, 0.65))
    done = report(tmp_path, asked(["none", "mnli"]))
    record = json.loads((tmp_path / "table.json").read_text("utf-8"))
    cell = record["rows"][1]["cells"]["xnli"]
    assert cell["difference"]["indicative"] and cell["difference"]["low"] > 0
    assert cell["value"] == round(done.table.cells["mnli"]["xnli"].estimate.value, 6)
    text = (tmp_path / "table.md").read_text("utf-8")
    assert "| mnli | 100 | 5,000 | " in text and "°" in text
    assert "below 5 seeds every claim is indicative only" in text and "a note" in text
    before = (tmp_path / "table.json").read_bytes()
    report(tmp_path, asked(["none", "mnli"]))
    assert (tmp_path / "table.json").read_bytes() == before
    pytest.importorskip("matplotlib")
    assert {path.name for path in done.files} == {"table.json", "table.md", "differences.png", "languages.png"}


def test_claims_get_verdicts(columns):
    evidence = Evidence(make_table(columns, LINES, "none", {}), "tiny")
    claims = [
        Claim("MNLI gains", "here", gains(["mnli"], ["xnli"], "none"), "xlm-r"),
        Claim("MNLI loses", "here", gains(["none"], ["xnli"], "mnli")),
        Claim("QQP gains", "here", gains(["qqp"], ["xnli"], "none")),
        Claim("MNLI leads", "here", leads(["mnli"], ["qqp", "none"], ["xnli"])),
        Claim("QQP leads", "here", leads(["qqp"], ["mnli"], ["xnli"])),
        Claim("on tatoeba too", "here", gains(["mnli"], ["xnli", "tatoeba"], "none")),
        Claim("by 50 points", "here", amounts("mnli", ["xnli"], "none", 50.0)),
        Claim("the base scores 0", "here", scores("none", "xnli", 0.0, 1.0)),
        Claim("the base scores 60", "here", scores("none", "xnli", 60.0, 5.0)),
    ]
    found = judged(claims, evidence)
    assert [one.verdict for one in found] == [
        *("reproduced", "contradicted", "inconclusive", "reproduced", "contradicted", "not run"),
        *("contradicted", "contradicted", "reproduced"),
    ]
    assert "the claim is about xlm-r, this base is tiny" in found[0].said
    assert found[5].said == "not scored: tatoeba"


def test_without_intervals_no_claim_is_reproduced(tmp_path):
    fill(tmp_path, "none", (0.5, 0.5, 0.5), seeds=(1, 2))
    fill(tmp_path, "mnli", (0.9, 0.9, 0.9), seeds=(1, 2))
    own = read_columns(Store(tmp_path), [XNLI], names("none", "mnli", seeds=(1, 2)))
    evidence = Evidence(make_table(own, LINES[:2], "none", {}), "tiny")
    (verdict,) = judged([Claim("MNLI gains", "here", gains(["mnli"], ["xnli"], "none"))], evidence)
    assert verdict.verdict == "inconclusive" and "no interval" in verdict.said
