"""How a translation is asked for: a line in one language, then the start of the same line in the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.examples import Pair
from harness.prompts.prompt import Writing

TASKS = ("flores200_mt",)
# No sentence of FLORES-200 is longer than this in a usual subword tokenizer; what is longer is cut.
TOKENS = 256
FORM = "{source} sentence: {text}\n{target} sentence:"


@dataclass(frozen=True)
class Translation:
    """English names of the two languages, and the translated sentences that stand before each."""

    source: str
    target: str
    shots: Sequence[Pair] = ()

    def render(self, one: Pair) -> Writing:
        """The model writes one line."""
        solved = [f"{self._asked(shot)} {shot.target.strip()}\n\n" for shot in self.shots]
        return Writing("".join([*solved, self._asked(one)]), stops=("\n",), tokens=TOKENS)

    def _asked(self, one: Pair) -> str:
        return FORM.format(source=self.source, target=self.target, text=one.source.strip())
