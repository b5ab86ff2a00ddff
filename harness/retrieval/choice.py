"""Which engine `auto` takes, and why."""

from dataclasses import dataclass

# Multiplications that the exact search does in two or three minutes: 2 cores with byte products; one GPU in float32.
PATIENCE = {"cpu": 4 * 10**13, "cuda": 10**15}
_FEW = 20_000  # rows below which cells save little


@dataclass(frozen=True)
class Choice:
    """An engine and the reason for it."""

    engine: str
    why: str


def choose_engine(n: int, m: int, width: int, device: str = "cpu", codes_fit: bool = True) -> Choice:
    """The engine for n x m vectors of `width` dimensions. `codes_fit`: both sides' bytes fit into memory."""
    work = n * m * width
    patience = PATIENCE["cuda" if device.startswith("cuda") else "cpu"]
    if work <= patience:
        return Choice("exact", f"{work:.1e} multiplications are a matter of minutes on {device}")
    if min(n, m) < _FEW:
        return Choice("exact", f"the smaller side has {min(n, m):,} rows: cells would save little")
    if codes_fit:
        return Choice("ivf", f"{work:.1e} multiplications would take long on {device}, and both sides' codes fit")
    return Choice(
        "ivfpq", f"{work:.1e} multiplications would take long on {device}, and one byte per dimension does not fit"
    )
