"""How long does the static page take, and how heavy is it, with 200 checkpoints x 9 tasks x 40 languages x 3 seeds?

    python -m benchmarks.page --folder /tmp/many           # makes 221,400 small files (1 GB) once, and builds
    python -m benchmarks.page --folder /tmp/many --open    # also opens the page in Chromium and sorts

The scores are drawn at random: nothing here is a measurement of a model."""

import argparse
import json
import time
import zlib
from itertools import product
from pathlib import Path

import numpy as np

from harness.metrics.score import Score
from harness.report.page.site import gather, write_site
from harness.store import AVERAGE, Result, Store, _dump, _record
from harness.tasks import BENCHMARKS, get_task
from harness.tasks.task import Task
from harness.tasks.xtreme import XTREME

SEEDS = (42, 43, 44)
SETTINGS = {"preset": "xtreme", "learning_rate": 2e-05, "epochs": 5, "batch_size": 32, "source_language": "en"}


def make(root: Path, checkpoints: int, languages: int) -> int:
    """Writes results as a run would, without predictions; returns their number."""
    generator, written, store = np.random.default_rng(0), 0, Store(root)
    for number in range(checkpoints):
        skill = generator.normal(0.65, 0.08)
        for name in BENCHMARKS["xtreme"]:
            task = get_task(name)
            codes = tuple(dict.fromkeys([*task.languages, *get_task("panx").languages]))[:languages]
            for at, (code, seed) in enumerate(product((*codes, AVERAGE), SEEDS)):
                value = float(np.clip(skill + generator.normal(0, 0.01), 0.05, 0.98))
                result = one(number, task, code, seed, value)
                path = store.path(result)
                path.parent.mkdir(parents=True, exist_ok=True)
                # Without store.write's fsync, which costs minutes here.
                path.write_bytes(_dump(_record(result)))
                if at % len(SEEDS) == 0 and code != AVERAGE:
                    run = {"kind": "encoder-mlm", "command": f"harness eval --model c-{number:03} --tasks {name}"}
                    path.with_suffix(".run.json").write_text(json.dumps(run), encoding="utf-8")
                written += 1
    return written


def one(number: int, task: Task, code: str, seed: int, value: float) -> Result:
    """One result; question answering has the two metrics that are averaged."""
    main, protocol = task.metrics("de")[0].name, task.protocols[0]
    metrics = (main, *(name for name in XTREME[task.name].averaged if name != main))
    data = f"{zlib.crc32((task.name + code).encode()):016x}"
    signature = (
        f"{main}|{task.name}.v1|{code}|split:test|{protocol}|preset:xtreme|learning_rate:2e-05|epochs:5"
        f"|batch_size:32|source_language:en|seed:{seed}|data:{data}|interval:bootstrap1000"
    )
    bounds = round(value, 6), round(value - 0.01, 6), round(value + 0.01, 6)
    scores = tuple(Score(name, *bounds, 2000, name == main, signature) for name in metrics)
    made = {"weights": f"{number:064x}", "task": 1, "data": data, "settings": SETTINGS}
    place = (f"checkpoint-{number:03}", task.name, code, "test", protocol, SETTINGS, seed, "scored")
    return Result(*place, fingerprint=made, folder=protocol, scores=scores)


def open_and_sort(page: Path) -> dict[str, float]:
    """Seconds in headless Chromium: until the page has loaded, and until the first table is sorted after that."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page()
        start = time.perf_counter()
        tab.goto(page.as_uri())
        loaded = time.perf_counter()
        tab.locator("th.num button.sort").first.click()
        tab.wait_for_selector('th[aria-sort="descending"]')
        done = time.perf_counter()
        browser.close()
    return {"loaded": loaded - start, "sorted": done - start}


def main() -> None:
    """Prints counts, seconds and megabytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--checkpoints", type=int, default=200)
    parser.add_argument("--languages", type=int, default=40)
    parser.add_argument("--open", action="store_true")
    options = parser.parse_args()
    results = options.folder / "results"
    if not results.exists():
        print(f"{make(results, options.checkpoints, options.languages)} results made")
    start = time.perf_counter()
    store = Store(results)
    page = write_site(store, gather(store), options.folder / "site")
    print(f"built in {time.perf_counter() - start:.1f} s, {page.stat().st_size / 1e6:.2f} MB: {page}")
    if options.open:
        print(", ".join(f"{name} after {seconds:.2f} s" for name, seconds in open_and_sort(page).items()))


if __name__ == "__main__":
    main()
