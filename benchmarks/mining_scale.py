"""What 100 million x 100 million sentences cost, from rates measured on the device at hand (`--scale`).

Everything is arithmetic on three measured rates (exact products, products of cells, codes) and, where an ivf run of
`benchmarks.mining` is at hand, on the share of pairs that it compared."""

import json
import re
from pathlib import Path

import torch

from harness.mining.budget import Size
from harness.mining.calibrate import calibrate
from harness.mining.forecast import SHARE, exact_seconds, ivf_seconds
from harness.mining.summary import clock
from harness.retrieval.ivf import cell_count

ROWS = 100_000_000
K = 4
GB = 1e9


def print_scale(device: str, width: int, root: Path) -> None:
    """Prints rates, the table, and what limits next."""
    rates = calibrate(width, K, device)
    unit = torch.cuda.get_device_name() if device.startswith("cuda") else f"{torch.get_num_threads()} CPU threads"
    print(f"measured with {unit}, d = {width:,}, k = {K}")
    print(f"exact search {rates.exact / 1e9:,.0f} thousand million multiplications of all pairs a second")
    print(f"join of cells {rates.joined / 1e9:,.0f}; codes {rates.coded:,.0f} vectors a second")
    size = Size(ROWS, ROWS, width, K)
    share, why = _share(root)
    print(f"cells compare {share:.3%} of all pairs ({why})\n")
    print(f"{'100 million x 100 million':34}{'x 1':>14}{'x 8':>14}{'x 64':>14}")
    rows = {"exact, n m d / rate": exact_seconds(size, rates), "ivf": ivf_seconds(size, rates, share)}
    for name, seconds in rows.items():
        print(f"{name:34}" + "".join(f"{clock(seconds / count):>14}" for count in (1, 8, 64)))
    print("\nx 8 and x 64 divide the source rows among devices; each reads all target rows; nothing else is shared.")
    vectors, codes = 4 * ROWS * width / GB, ROWS * width / GB
    print(f"disk: vectors of a side {vectors:,.0f} GB in float32; codes of a side {codes:,.0f} GB")
    print(f"neighbours and margins: {size.lists / GB:,.0f} GB of memory for both sides")
    for memory in (64, 512):
        rows_held = min(ROWS, int(memory * GB // size.coded))
        passes = -(-ROWS // rows_held)
        needed = passes * vectors / (rows["exact, n m d / rate"])
        print(f"exact with {memory} GB for codes: {passes} target shards, the source is read {passes} times,")
        print(f"   which needs {needed:.4f} GB a second of disk beside one such device, {64 * needed:.3f} beside 64")


def _share(root: Path) -> tuple[float, str]:
    """Of the largest ivf run at hand, scaled to the cells of 100 million rows with as many probes."""
    found = []
    for file in root.glob("*/ivf.json"):
        record = json.loads(file.read_text("utf-8"))
        match = re.search(r"(\d+) cells, (\d+) probed, ([\d.]+)% of all pairs", record["how"])
        if match:
            found.append((record["rows"], int(match[1]), float(match[3]) / 100))
    if not found:
        return SHARE, "no ivf run is at hand: assumed"
    (n, m), cells, share = max(found)
    scaled = share * cells / cell_count(ROWS, ROWS)
    return scaled, f"{share:.2%} at {n:,} x {m:,} with {cells:,} cells, the same probes into {cell_count(ROWS, ROWS):,}"
