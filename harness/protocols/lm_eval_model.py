"""Our language model as an lm-eval model: `--model harness` inside lm-eval, and what its tasks are asked here.

Texts become tokens exactly as in lm-eval's own `hf` model (0.4.13), so that requests are the same; how they are
computed is ours."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from lm_eval import utils
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import (
    handle_stop_sequences,
    has_bos_prefix,
    normalize_gen_kwargs,
    postprocess_generated_text,
)

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.errors import HarnessError
from harness.likelihood.batches import Request, cut
from harness.likelihood.generate import Prompts
from harness.likelihood.language_model import LanguageModel, open_language_model
from harness.likelihood.scorer import Report, Scorer

GENERATED = 256


def open_backend(name: str, arguments: str, checkpoint: Checkpoint) -> Any:
    """Another of lm-eval's models on the checkpoint's folder; HarnessError where there is none of that name or it does
    not start."""
    given = arguments if "=" in arguments else ""
    if "pretrained=" not in given and "model=" not in given:
        given = f"pretrained={checkpoint.path}{',' if given else ''}{given}"
    try:
        return _backend(name).create_from_arg_string(given)
    except (ImportError, OSError, ValueError, TypeError, RuntimeError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise HarnessError(f"lm-eval's '{name}' did not start: {reason}", "Check --backend-args.") from error


def _backend(name: str) -> Any:
    """The class of that name; ImportError where its library is not installed."""
    import lm_eval.models  # noqa: F401  registers lm-eval's own
    from lm_eval.api.registry import get_model

    try:
        return get_model(name)
    except (ValueError, KeyError) as error:
        raise HarnessError(f"lm-eval has no model '{name}'.", "`harness lm-eval run --help` names them.") from error


def backend_errors() -> tuple[type[Exception], ...]:
    """What lm-eval's models raise where a server or library fails. aiohttp's errors are no OSError."""
    known = (OSError, ValueError, TypeError, RuntimeError, KeyError, AssertionError)
    try:
        from aiohttp import ClientError
    except ImportError:
        return known
    return (*known, ClientError)


def open_scorer(given: Mapping[str, Any]) -> Scorer:
    """From lm-eval's `--model_args pretrained=DIR,dtype=float32,device=cpu,cache=FOLDER`; other arguments are not
    ours."""
    if "pretrained" not in given:
        raise HarnessError("No checkpoint was named.", "Give --model_args pretrained=DIR.")
    trust = str(given.get("trust_remote_code", "")).lower() == "true"
    checkpoint = open_checkpoint(str(given["pretrained"]), trust)
    model = open_language_model(checkpoint, str(given.get("dtype", "float32")), str(given.get("device") or "auto"))
    return Scorer(model, Path(str(given["cache"])) if given.get("cache") else None)


class HarnessLM(TemplateLM):  # type: ignore[misc]
    """A transformers causal model or encoder-decoder with shared beginnings. (lm-eval asks for its base class.)

    `scorer` does the work; `cut` counts the contexts of the last call that were cut on the left."""

    def __init__(self, scorer: Scorer, report: Report = lambda done, total: None) -> None:
        super().__init__()
        self.scorer = scorer
        self.report = report
        self.cut = 0
        self.tokenizer = scorer.model.tokenizer
        self.backend = "seq2seq" if scorer.model.encoder_decoder else "causal"
        self._device = scorer.model.device

    @classmethod
    def create_from_arg_obj(cls, arg_dict: Any, additional_config: Any = None) -> "HarnessLM":
        """lm-eval's way to build a model; its batch sizes are not ours and are left aside."""
        given = {key: value for key, value in (additional_config or {}).items() if value is not None}
        return cls(open_scorer({**given, **arg_dict}))

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: Any = None) -> "HarnessLM":
        """The same from `pretrained=DIR,dtype=float32`."""
        return cls.create_from_arg_obj(utils.simple_parse_args_string(arg_string), additional_config)

    @property
    def model(self) -> LanguageModel:
        """The language model."""
        return self.scorer.model

    @property
    def max_length(self) -> int:
        """Tokens of the longest input."""
        return self.model.max_length

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return self.tokenizer.eos_token_id  # type: ignore[no-any-return]

    @property
    def prefix_token_id(self) -> int:
        """What stands for an empty context."""
        first = self.tokenizer.bos_token_id
        return int(self.eot_token_id if first is None else first)

    @property
    def tokenizer_name(self) -> str:
        """For lm-eval's fingerprints."""
        return str(self.tokenizer.name_or_path).replace("/", "__")

    def apply_chat_template(self, chat_history: Any, add_generation_prompt: bool = True) -> str:
        """A conversation as one prompt."""
        return self.tokenizer.apply_chat_template(  # type: ignore[no-any-return]
            chat_history,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=not add_generation_prompt,
        )

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """Token ids of one text."""
        return self._encode([string], add_special_tokens)[string]

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """lm-eval's requests, every different text tokenised once."""
        pairs = [_moved(*one.args) for one in requests]
        with_context = [pair for pair in pairs if pair[0]]
        bare = self._encode([text for context, text in pairs if not context or self.backend == "seq2seq"], False)
        wanted = [context for context, _ in with_context]
        wanted += [context + text for context, text in with_context] if self.backend == "causal" else []
        whole = self._encode(wanted, None)
        found = [self._request(context, text, whole, bare) for context, text in pairs]
        return self._loglikelihood_tokens([("", *one) for one in found])

    def _loglikelihood_tokens(self, requests: Any, **kwargs: Any) -> list[tuple[float, bool]]:
        asked = [Request(tuple(context), tuple(continuation)) for _, context, continuation in requests]
        assert all(one.context and one.continuation for one in asked), "an empty context or continuation"
        self.cut = sum(cut(one, self.max_length) > 0 for one in asked)
        return self.scorer.log_likelihoods(asked, self.report)

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        """The log-probability of whole texts, in windows of the longest input as lm-eval cuts them."""
        windows: list[Any] = []
        counts = []
        for one in requests:
            tokens = self.tok_encode(one.args[0])
            parts = list(utils.get_rolling_token_windows(tokens, self.prefix_token_id, self.max_length, 1))
            windows += [("", *utils.make_disjoint_window(part)) for part in parts]
            counts.append(len(parts))
        values = [value for value, _ in self._loglikelihood_tokens(windows)]
        ends = list(accumulate(counts))
        return [sum(values[end - count : end]) for end, count in zip(ends, counts, strict=True)]

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        """What the model writes after each context, up to the request's stops."""
        eos = self.tokenizer.decode([self.eot_token_id]) if self.eot_token_id is not None else None
        groups: dict[str, list[int]] = {}
        settings: dict[str, tuple[tuple[str, ...], int, dict[str, Any]]] = {}
        for number, one in enumerate(requests):
            kwargs = dict(normalize_gen_kwargs(dict(one.args[1]), GENERATED))
            stops = tuple(handle_stop_sequences(kwargs.pop("until", None), eos=eos))
            tokens = int(kwargs.pop("max_gen_toks"))
            options = {key: value for key, value in kwargs.items() if kwargs.get("do_sample")}
            groups.setdefault(repr(one.args[1]), []).append(number)
            settings[repr(one.args[1])] = stops, tokens, options
        self.cut = 0
        contexts = [one.args[0] for one in requests]
        encoded = self._encode(contexts, None)
        wanted = [self._prompts(numbers, contexts, encoded, settings[name]) for name, numbers in groups.items()]
        written = self.scorer.texts(wanted, self.report)
        stops_of = {number: settings[name][0] for name, numbers in groups.items() for number in numbers}
        return [postprocess_generated_text(written[at], list(stops_of[at]), None) for at in range(len(requests))]

    def _prompts(
        self,
        numbers: Sequence[int],
        contexts: Sequence[str],
        encoded: dict[str, list[int]],
        settings: tuple[tuple[str, ...], int, dict[str, Any]],
    ) -> Prompts:
        stops, tokens, options = settings
        # A model that reads little still gets half of that as its context.
        tokens = min(tokens, self.max_length // 2)
        room = self.max_length if self.backend == "seq2seq" else self.max_length - tokens
        self.cut += sum(len(encoded[contexts[at]]) > room for at in numbers)
        return Prompts(tuple((at, tuple(encoded[contexts[at]][-room:])) for at in numbers), stops, tokens, options)

    def _request(
        self, context: str, text: str, whole: dict[str, list[int]], bare: dict[str, list[int]]
    ) -> tuple[list[int], list[int]]:
        if not context:
            tokens = bare[text]
            same = bool(tokens) and tokens[0] == self.prefix_token_id
            return (tokens[:1], tokens[1:]) if same else ([self.prefix_token_id], tokens)
        before = whole[context]
        return before, bare[text] if self.backend == "seq2seq" else whole[context + text][len(before) :]

    def _encode(self, texts: Sequence[str], special: bool | None) -> dict[str, list[int]]:
        """Token ids of each text; one that begins with the tokenizer's own first token gets no second."""
        first = self.tokenizer.decode([self.prefix_token_id])
        out: dict[str, list[int]] = {}
        unique = list(dict.fromkeys(texts))
        begun = [text for text in unique if special is None and has_bos_prefix(text, first)]
        for some, add in ((begun, False), ([text for text in unique if text not in set(begun)], special)):
            if some:
                known = {} if add is None else {"add_special_tokens": add}
                out |= zip(some, self.tokenizer(some, **known)["input_ids"], strict=True)
        return out


def _moved(context: str, continuation: str) -> tuple[str, str]:
    """White space at the end of a context belongs to the continuation, whose first token it joins."""
    kept = context.rstrip()
    return (kept, context[len(kept) :] + continuation) if context else (context, continuation)
