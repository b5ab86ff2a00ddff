"""How a model answers each form of question: `HEADS[task.form]`."""

from harness.heads import choice, classify, span, tag
from harness.heads.head import Head

HEADS: dict[str, Head] = {module.HEAD.form: module.HEAD for module in (classify, tag, span, choice)}
