"""A page with everything on it: seeds, an incomplete row, kinds, protocols, probes, limits and hostile names."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from made_results import Made, correlated, write

from harness.report.page.model import Known, KnownEntry
from harness.report.page.site import gather, render
from harness.store import Store
from harness.tasks import get_task

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "\u202egnp.exe {{ 7 * 7 }} 'quoted' & \u0007",
    "long-" * 60,
)
COMMAND = "harness eval --model '</script><script>document.title=\"owned\"</script>'"


def fill(root: Path) -> None:
    """Results of six checkpoints on XNLI, drawn."""
    generator = np.random.default_rng(0)
    codes = get_task("xnli").languages
    base = {code: generator.random(90) < 0.7 for code in codes}
    for number, drop in enumerate((0.0, 0.02, 0.3)):
        for seed in (1, 2, 3):
            own = {code: correlated(generator, right, 0.32, drop) for code, right in base.items()}
            write(root, Made(f"run-{number}", seed=seed), own)
    write(root, Made("xlm-roberta-large"), base)
    write(root, Made("partial"), {code: base[code] for code in codes[:12]}, average=False)
    write(root, Made("probe", settings={"freeze": "encoder", "source_language": "en"}), base)
    write(root, Made("limited", folder="transfer@limit90", settings={"limit": 90}), base)
    write(root, Made("sentences", task="tatoeba", folder="retrieve"), {"de": base["de"]}, average=False)


def hostile(root: Path) -> list[KnownEntry]:
    """The same entries, and some whose every text is hostile."""
    entries = list(gather(Store(root)).entries)
    first = next(one for one in entries if one.entry.checkpoint == "xlm-roberta-large")
    for name in HOSTILE:
        patterns = {code: (f"{name}|{code}", name) for code in first.entry.cells}
        entry = replace(first.entry, checkpoint=name, folder=f"transfer@{name}", patterns=patterns)
        entries.append(KnownEntry(entry, Known(name, dict.fromkeys(first.entry.cells, COMMAND), None, (name,))))
    return entries


def hostile_page(root: Path, page: Path) -> Path:
    """The page of `hostile`, titled with a hostile name."""
    page.write_text(render(hostile(root), HOSTILE[0]), encoding="utf-8")
    return page
