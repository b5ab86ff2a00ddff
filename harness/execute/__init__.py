"""Who does the work: this process, a process per device, or a Ray cluster.

An executor is given a function and pieces of work and knows nothing of what they are. `function(shared, items,
progress)` gives one answer per item, in order; a HarnessError in place of an answer says that this item failed."""

from harness.execute.piece import Function, Piece, Progress

__all__ = ["Function", "Piece", "Progress"]
