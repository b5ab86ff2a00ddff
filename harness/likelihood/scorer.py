"""What a caller asks of a language model: log-probabilities and texts for token requests, kept as they come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.likelihood import causal, masked, sequence_to_sequence
from harness.likelihood.batches import TOKENS, Batch, Budget, Request, batches
from harness.likelihood.causal import Answer
from harness.likelihood.generate import Prompts, generate
from harness.likelihood.generate import batches as prompt_batches
from harness.likelihood.kept import Kept
from harness.likelihood.language_model import LanguageModel

# (how much is done, of how much)
Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Scorer:
    """A model with the place where its answers are kept (None: nowhere). `sharing` False reads whole prompts."""

    model: LanguageModel
    folder: Path | None = None
    sharing: bool = True

    @property
    def tokens(self) -> int:
        """Tokens of a batch on this kind of device."""
        return TOKENS.get(self.model.device.type, TOKENS["other"])

    def log_likelihoods(self, requests: Sequence[Request], report: Report = lambda done, total: None) -> list[Answer]:
        """(natural log-probability, greedy) of each request, in order. HarnessError: a continuation that is longer
        than the model reads."""
        longest = self.model.max_length
        if any(len(one.continuation) > longest for one in requests):
            raise HarnessError(
                f"An answer is longer than the {longest} tokens that the model reads.", "Leave this task out."
            )
        config = self.model.module.config.get_text_config()
        budget = Budget(self.tokens, int(config.vocab_size), longest, self.sharing and not self.model.whole)
        if self.model.encoder_decoder:
            planned, compute = sequence_to_sequence.batches(requests, budget), sequence_to_sequence.score
        else:
            planned, compute = batches(requests, budget), causal.score
        out: dict[int, Answer] = {}
        for batch, answers in self._kept().run(planned, lambda wanted: compute(self.model.module, wanted)):
            for number, (value, greedy) in zip(batch.requests, answers, strict=True):
                out[number] = (float(value), bool(greedy))
            report(len(out), len(requests))
        return [out[number] for number in range(len(requests))]

    def pseudo_log_likelihoods(
        self, pairs: Sequence[tuple[str, str]], masking: str, report: Report = lambda done, total: None
    ) -> tuple[list[float], int]:
        """The pseudo-log-likelihood of the answer of each (context, answer), and how many contexts were cut."""
        padding = self.model.tokenizer.pad_token_id
        masker = masked.Masker(self.model.tokenizer, self.model.max_length, masking)
        wanted, cut_ = masker.copies(pairs)
        asked: dict[masked.Copy, list[int]] = {}
        for copies in wanted:
            for copy, token in copies:
                tokens = asked.setdefault(copy, [])
                if token not in tokens:
                    tokens.append(token)
        vocabulary = int(self.model.module.config.get_text_config().vocab_size)
        planned = masked.batches(asked, self.tokens, vocabulary)
        found: dict[tuple[masked.Copy, int], float] = {}
        done = 0
        for batch, answers in self._kept().run(
            planned, lambda some: masked.score(self.model.module, 0 if padding is None else padding, some)
        ):
            for copy, tokens, values in zip(batch.copies, batch.targets, answers, strict=True):
                found |= {(copy, token): float(value) for token, value in zip(tokens, values, strict=True)}
            done += len(batch.copies)
            report(done, len(asked))
        return [sum(found[copy, token] for copy, token in copies) for copies in wanted], cut_

    def texts(self, wanted: Sequence[Prompts], report: Report = lambda done, total: None) -> dict[int, str]:
        """What the model writes, by the prompts' numbers."""
        total = sum(len(one.rows) for one in wanted)
        out: dict[int, str] = {}
        planned = prompt_batches(wanted, self.tokens)
        for batch, texts in self._kept().run(planned, lambda some: generate(self.model, some)):
            out |= {number: str(text) for (number, _), text in zip(batch.rows, texts, strict=True)}
            report(len(out), total)
        return out

    def _kept(self) -> Any:
        return Forgotten() if self.folder is None else Kept(self.folder, self.model.identity)


class Forgotten:
    """Keeps nothing."""

    def run(self, planned: Sequence[Any], compute: Any) -> Any:
        """Every batch with its answers."""
        return zip(planned, compute(planned), strict=True)


__all__ = ["Batch", "Report", "Scorer"]
