"""What a leaderboard's rows are means of."""

from pathlib import Path

from made_results import Made, write

from harness.report.leaderboard import leaderboard
from harness.report.page.entry import entry_of
from harness.store import Store

RIGHT = [True, False, True, True, False, True]


def test_seeds_of_other_data_make_no_mean(tmp_path: Path) -> None:
    for seed in (1, 2):
        write(tmp_path, Made("ckpt", seed=seed), {"de": RIGHT}, average=False)
    (row,) = [one for one in leaderboard(Store(tmp_path)) if one.language == "de"]
    assert (row.status, row.seeds) == ("scored", 2)
    write(tmp_path, Made("ckpt", seed=3, settings={"preset": "xtreme", "training_data": "other"}), {"de": RIGHT}, False)
    (row,) = [one for one in leaderboard(Store(tmp_path)) if one.language == "de"]
    assert (row.status, row.value) == ("mixed", None)
    assert "other weights, data or settings" in row.reason
    write(tmp_path, Made("ckpt", seed=1), {"sw": RIGHT}, average=False)
    entry = entry_of(list(Store(tmp_path).results()))
    assert entry is not None
    assert list(entry.cells) == ["sw"]
    assert list(entry.refused) == ["de"]
