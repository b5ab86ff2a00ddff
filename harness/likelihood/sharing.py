"""Which rows of tokens share a beginning, so that computing it once saves the most.

Rows are sorted, and the tree of their longest common beginnings (Abouelhoda et al. 2004) is walked from its
leaves: a node is one group where that costs fewer tokens than its parts. So the few-shot examples of a subject
are found without being told what a subject is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# What a further forward pass costs, in tokens: a group must save more than that.
OVERHEAD = 128

Row = NDArray[np.int32]


@dataclass(frozen=True)
class Group:
    """Rows (their numbers) that share their first `prefix` tokens; 0 where nothing is shared."""

    rows: tuple[int, ...]
    prefix: int


@dataclass
class _Node:
    shared: int
    left: int
    right: int = 0
    children: list["_Node"] = field(default_factory=list)
    cost: int = 0
    one: bool = False


def share(rows: Sequence[Row], bounds: Sequence[int]) -> list[Group]:
    """Groups of the rows (one-dimensional int32 arrays): first those with a shared beginning, then one group of
    all others. `bounds` says up to where each row may be shared (its last tokens are read)."""
    order = sorted(range(len(rows)), key=lambda at: rows[at].astype(">u4").tobytes())
    sizes = np.array([len(rows[at]) for at in order], np.int64)
    shared = [min(common(rows[a], rows[b]), bounds[a], bounds[b]) for a, b in pairwise(order)]
    groups: list[Group] = []
    alone = set(range(len(rows)))
    waiting = [_tree(shared, np.concatenate([[0], np.cumsum(sizes)]))] if rows else []
    while waiting:
        node = waiting.pop()
        if not node.one:
            waiting += reversed(node.children)
            continue
        members = order[node.left : node.right + 1]
        groups.append(Group(tuple(members), node.shared))
        alone -= set(members)
    return [*groups, *([Group(tuple(sorted(alone)), 0)] if alone else [])]


def common(one: Row, other: Row) -> int:
    """How many tokens two rows share from the left."""
    size = min(len(one), len(other))
    differs = one[:size] != other[:size]
    return int(differs.argmax()) if differs.any() else size


def _tree(shared: Sequence[int], before: NDArray[np.int64]) -> _Node:
    """The tree of common beginnings, each node with its cost; `before[i]` is the tokens in the rows before i."""
    stack = [_Node(0, 0)]
    for at, height in enumerate([*shared, -1], 1):
        left = at - 1
        last: _Node | None = None
        while stack and height < stack[-1].shared:
            node = stack.pop()
            node.right = at - 1
            _settle(node, before)
            left, last = node.left, node
            if not stack:
                return node
            if height <= stack[-1].shared:
                stack[-1].children.append(node)
                last = None
        if height > stack[-1].shared:
            stack.append(_Node(height, left, children=[last] if last else []))
    raise AssertionError("the height -1 ends the walk")


def _settle(node: _Node, before: NDArray[np.int64]) -> None:
    """Decides whether the node is one group or what its children are."""
    tokens = int(before[node.right + 1] - before[node.left])
    inside = sum(int(before[child.right + 1] - before[child.left]) for child in node.children)
    apart = tokens - inside + sum(child.cost for child in node.children)
    together = tokens - (node.right - node.left) * node.shared + OVERHEAD
    node.one = node.shared > 0 and together < apart
    node.cost = together if node.one else apart
