"""What the k best neighbours of a row are while they are still being looked for.

A neighbour is one 64-bit integer: the bits of its similarity in an order-preserving form above, the complement of its
index below. The larger integer is the better neighbour, equal similarities go to the lower index, and merging two
lists is `topk` on integers, whatever order the neighbours were found in."""

import numpy as np
import torch
from numpy.typing import NDArray

EMPTY = -(2**63)
_LOW = 0xFFFFFFFF
_MAGNITUDE = 0x7FFFFFFF


def empty(rows: int, k: int, device: torch.device) -> torch.Tensor:
    """Lists of k neighbours (rows, k) in which nothing has been found yet."""
    return torch.full((rows, k), EMPTY, dtype=torch.int64, device=device)


def pack(similarity: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """float32 similarities and indices below 2**32, both (p,), as int64 keys (p,)."""
    bits = (similarity + 0.0).view(torch.int32)  # -0.0 becomes 0.0: they are equal, so their keys must be
    ordered = bits ^ ((bits >> 31) & _MAGNITUDE)
    return (ordered.long() << 32) | (_LOW - index)


def similarities(keys: torch.Tensor) -> torch.Tensor:
    """The float32 similarities that the keys hold; -inf where a list is still empty."""
    ordered = (keys >> 32).int()
    bits = ordered ^ ((ordered >> 31) & _MAGNITUDE)
    return bits.view(torch.float32).masked_fill(keys == EMPTY, -torch.inf)


def indices(keys: torch.Tensor) -> torch.Tensor:
    """The indices that the keys hold; of an empty one nothing that is of use."""
    return _LOW - (keys & _LOW)


def unpack(keys: torch.Tensor) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Full lists (rows, k) as similarities and indices, each (rows, k), best first."""
    return similarities(keys).cpu().numpy(), indices(keys).cpu().numpy()


def merge(best: torch.Tensor, rows: torch.Tensor, keys: torch.Tensor) -> None:
    """Put keys (p,) into the lists `best` (r, k), in place; `rows` (p,) says whose each is, in ascending order."""
    if not len(rows):
        return
    found, owner, counts = torch.unique_consecutive(rows, return_inverse=True, return_counts=True)
    place = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[owner]
    k = best.shape[1]
    lists = empty(len(found), k + int(counts.max()), best.device)
    lists[:, :k] = best[found]
    lists[owner, k + place] = keys
    best[found] = lists.topk(k, dim=1).values
