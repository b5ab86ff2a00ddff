"""The engine "exact": both directions' nearest neighbours from one pass, the target in shards where its codes would not
fit into memory, kept on disk as it goes."""

from collections.abc import Callable

import torch

from harness.retrieval import ranking
from harness.retrieval.byte_screen import byte_screen, choose_screen
from harness.retrieval.screen import Screen, Side, float_screen, survey
from harness.retrieval.snapshot import Snapshot
from harness.retrieval.sweep import sweep

Progress = Callable[[int, int], None]
Keys = tuple[torch.Tensor, torch.Tensor]


def search_exact(
    sides: tuple[Side, Side],
    k: int,
    shape: tuple[int, int],
    screen: str,
    progress: Progress | None = None,
    kept: Snapshot | None = None,
) -> Keys:
    """Keys of the source rows' neighbours (n, min(k, m)) and of the target rows' (m, min(k, n)).

    `shape` is the side of a tile and how many target rows stand in memory as codes at a time. The result depends on
    neither, nor on the screen, nor on how often the search was killed."""
    source, target = sides
    n, m, device = len(source.vectors), len(target.vectors), source.vectors.device
    tile, rows = shape
    forward, backward = ranking.empty(n, min(k, m), device), ranking.empty(m, min(k, n), device)
    at, done = 0, 0
    state = kept.load() if kept else None
    if state is not None:
        at, done = state["at"].tolist()
        forward.copy_(torch.from_numpy(state["forward"]))
        backward.copy_(torch.from_numpy(state["backward"]))
    starts = range(0, m, rows)
    for number, left in enumerate(starts):
        if number < at or (number == at and done == n):
            continue
        right = min(left + rows, m)
        shard = target if len(starts) == 1 else survey(target.vectors[left:right].to(device))
        begin = done if number == at else 0
        for reached in sweep(_screen(source, shard, k, screen), tile, begin, (forward, backward[left:right]), left):
            last = reached == n and number + 1 == len(starts)
            if kept and (last or kept.due()):
                place = torch.tensor([number, reached])
                kept.save({"at": place.numpy(), "forward": forward.cpu().numpy(), "backward": backward.cpu().numpy()})
            if progress is not None:
                progress(number * n + reached, n * len(starts))
    return forward, backward


def _screen(source: Side, target: Side, k: int, name: str) -> Screen:
    if name == "auto":
        return choose_screen(source, target, k)
    plain = float_screen(source, target)
    return plain if name == "float" else byte_screen(source, target) or plain
