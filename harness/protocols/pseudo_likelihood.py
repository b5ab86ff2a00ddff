"""A masked language model as an lm-eval model: its likelihoods are pseudo-log-likelihoods.

So one set of prompts serves every kind of checkpoint, and no prompt knows who answers it."""

from typing import Any

from lm_eval.api.model import LM
from lm_eval.utils import simple_parse_args_string

from harness.errors import HarnessError
from harness.likelihood.scorer import Report, Scorer
from harness.protocols.lm_eval_model import open_scorer


class PseudoLM(LM):  # type: ignore[misc]
    """Scores continuations by masking. (lm-eval asks for its base class.) `cut` counts the contexts of the last call
    that were cut on the left."""

    backend = "masked"

    def __init__(self, scorer: Scorer, masking: str, report: Report = lambda done, total: None) -> None:
        super().__init__()
        self.scorer = scorer
        self.masking = masking
        self.report = report
        self.cut = 0
        tokenizer = scorer.model.tokenizer
        if tokenizer.mask_token_id is None or not tokenizer.is_fast:
            raise HarnessError(
                "The tokenizer has no mask token, or knows no offsets, so nothing can be masked.",
                "Save a fast tokenizer (tokenizer.json) with its mask token.",
            )

    @classmethod
    def create_from_arg_obj(cls, arg_dict: Any, additional_config: Any = None) -> "PseudoLM":
        """lm-eval's way to build a model: `pretrained`, `dtype`, `device`, `cache`, `masking`."""
        given = {**{key: value for key, value in (additional_config or {}).items() if value is not None}, **arg_dict}
        return cls(open_scorer(given), str(given.get("masking", "word-l2r")))

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: Any = None) -> "PseudoLM":
        """The same from `pretrained=DIR,masking=salazar`."""
        return cls.create_from_arg_obj(simple_parse_args_string(arg_string), additional_config)

    def loglikelihood(self, requests: Any) -> list[tuple[float, bool]]:
        """Pseudo-log-likelihoods of the continuations; what a masked model would write itself is not known."""
        pairs = [one.args for one in requests]
        values, self.cut = self.scorer.pseudo_log_likelihoods(pairs, self.masking, self.report)
        return [(value, False) for value in values]

    def loglikelihood_rolling(self, requests: Any) -> list[float]:
        """The pseudo-log-likelihood of whole texts."""
        pairs = [("", one.args[0]) for one in requests]
        values, self.cut = self.scorer.pseudo_log_likelihoods(pairs, self.masking, self.report)
        return values

    def generate_until(self, requests: Any) -> list[str]:
        """Refused."""
        raise HarnessError("A masked language model writes no text.", "Use --protocol transfer for this task.")
