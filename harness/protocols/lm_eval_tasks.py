"""lm-eval tasks made in memory: from prompts of ours, or from lm-eval's own definition applied to our examples.

Traps: `TaskManager()` reads 13,900 YAML files (8 to 13 s), so one definition is read by its path; a task's examples
must look like a table of `datasets`, which `Rows` does without one; building requests draws a bar of its own."""

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask, Task
from lm_eval.config.task import TaskConfig
from lm_eval.tasks._yaml_loader import load_yaml

from harness.examples import Choice, Classify, Question, Span
from harness.metrics.spans import exact_match, normalise_squad, token_f1
from harness.prompts.prompt import Options, Prompt

NUMBER = "harness_number"
# Parts of a definition that are not about how one example is asked and scored.
UNUSED = ("tag", "group", "training_split", "fewshot_split")
# lm-eval's numbers of XNLI's labels.
XNLI_LABELS = ("entailment", "neutral", "contradiction")


@dataclass(frozen=True, eq=False)
class Rows:
    """Examples as much like a table of `datasets` as lm-eval's tasks ask for."""

    docs: tuple[dict[str, Any], ...]

    @property
    def features(self) -> dict[str, None]:
        """The names of the columns."""
        return dict.fromkeys(self.docs[0])

    def __len__(self) -> int:
        return len(self.docs)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.docs)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return self.docs[at]

    def filter(self, keep: Callable[[dict[str, Any]], bool]) -> "Rows":
        """Those that `keep` wants."""
        return Rows(tuple(doc for doc in self.docs if keep(doc)))

    def map(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> "Rows":
        """Each changed; the number stays."""
        return Rows(tuple({**change(dict(doc)), NUMBER: doc[NUMBER]} for doc in self.docs))


class Prepared(Task):  # type: ignore[misc]
    """Prompts of ours as an lm-eval task. (lm-eval asks for its base class.)"""

    VERSION = 1

    def __init__(self, name: str, prompts: Sequence[Prompt]) -> None:
        self._prompts = prompts
        kind = "multiple_choice" if isinstance(prompts[0], Options) else "generate_until"
        self.OUTPUT_TYPE = kind
        with _quiet():
            super().__init__()
            self._config = TaskConfig(task=name, output_type=kind, num_fewshot=0)

    def download(self, *args: Any, **kwargs: Any) -> None:
        """The prompts are there."""

    def has_training_docs(self) -> bool:
        """None."""
        return False

    has_validation_docs = has_training_docs

    def has_test_docs(self) -> bool:
        """The prompts."""
        return True

    def test_docs(self) -> Any:
        """One document a prompt, by number."""
        return [{NUMBER: number} for number in range(len(self._prompts))]

    def fewshot_context(self, doc: Any, *args: Any, **kwargs: Any) -> str:
        """The prompt as it is: shots are part of it."""
        return str(self._prompts[doc[NUMBER]].context)

    def doc_to_text(self, doc: Any) -> str:
        """The prompt."""
        return str(self._prompts[doc[NUMBER]].context)

    def doc_to_target(self, doc: Any) -> str:
        """Nothing: what is right is known elsewhere."""
        return ""

    def doc_to_prefix(self, doc: Any) -> None:
        """None."""

    def construct_requests(self, doc: Any, ctx: str, **kwargs: Any) -> list[Any]:
        """One request a continuation, or one to write."""
        prompt = self._prompts[doc[NUMBER]]
        metadata = kwargs["metadata"]
        if isinstance(prompt, Options):
            asked: list[tuple[str, tuple[Any, ...]]] = [("loglikelihood", (ctx, one)) for one in prompt.continuations]
        else:
            until = {"until": list(prompt.stops), "max_gen_toks": prompt.tokens, "do_sample": False}
            asked = [("generate_until", (ctx, until))]
        return [Instance(kind, doc, given, at, metadata) for at, (kind, given) in enumerate(asked)]

    def process_results(self, doc: Any, results: Any) -> dict[str, Any]:
        """Nothing is scored here."""
        return {}

    def aggregation(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def higher_is_better(self) -> dict[str, Any]:
        """Nothing."""
        return {}


@dataclass(frozen=True)
class Reply:
    """What a model answered to one example of a task: a log-probability for each option or the text it wrote, and
    the values that lm-eval's own definition gives it."""

    log_likelihoods: tuple[float, ...] = ()
    text: str = ""
    values: Mapping[str, float] | None = None


def definition(task: str, language: str) -> Path | None:
    """The file of lm-eval's own definition of a task in a language, None where it has none."""
    context, _, question = language.partition("-")
    names = {
        "xnli": f"xnli/xnli_{language}.yaml",
        "pawsx": f"paws-x/paws_{language}.yaml",
        "xquad": f"xquad/xquad_{language}.yaml",
        "mlqa": f"mlqa/mlqa_{context}_{question or context}.yaml",
        "xcopa": f"xcopa/default_{language}.yaml",
    }
    path = Path(lm_eval.__file__).parent / "tasks" / names[task] if task in names else None
    return path if path is not None and path.is_file() else None


def defined(path: Path, examples: Sequence[Question]) -> ConfigurableTask:
    """lm-eval's own task on our examples, whatever split it would take itself."""
    docs = Rows(tuple({**as_document(one), NUMBER: number} for number, one in enumerate(examples)))
    # Its XQuAD imports a module that transformers 5 no longer has: what it does there is done by `_first_answer`.
    broken = path.name.startswith("xquad")
    with _quiet():
        config = {key: value for key, value in load_yaml(path, resolve_func=not broken).items() if key not in UNUSED}
        if broken:
            config["process_results"] = _first_answer
        return ConfigurableTask(config={**config, "custom_dataset": lambda **given: {"validation": docs, "test": docs}})


def _first_answer(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """lm-eval's scores for XQuAD: SQuAD's English rule, the first answer alone, two empty texts being equal."""
    gold = doc["answers"]["text"][0]
    exact = exact_match(results[0], gold)
    empty = not normalise_squad(gold) or not normalise_squad(results[0])
    return {"f1": exact if empty else token_f1(results[0], gold), "exact_match": exact}


def as_document(example: Question) -> dict[str, Any]:
    """An example under the names of the hub's data set, which lm-eval's definitions use."""
    match example:
        case Classify() if example.label in XNLI_LABELS:
            label = XNLI_LABELS.index(example.label)
            return {"premise": example.first, "hypothesis": example.second, "label": label}
        case Classify():
            return {"sentence1": example.first, "sentence2": example.second, "label": int(example.label)}
        case Span():
            answers = {"text": list(example.answers), "answer_start": list(example.starts)}
            return {"id": example.id, "context": example.context, "question": example.question, "answers": answers}
        case Choice():
            first, second = example.options
            kind = "cause" if "cause" in example.question else "effect"
            named = {"choice1": first, "choice2": second, "question": kind, "label": example.answer}
            return {"premise": example.context, **named, "idx": example.id}
    raise AssertionError(f"no document of {type(example).__name__}")


def ask(model: Any, tasks: Mapping[str, Any]) -> dict[str, dict[int, Reply]]:
    """Every task's replies by the examples' numbers, through `lm_eval.evaluate`, all requests of one kind together.

    An example that lm-eval's own definition leaves out has no reply."""
    for task in tasks.values():
        task.build_all_requests = _silently(task.build_all_requests)
    with _quiet():
        found = lm_eval.evaluate(model, dict(tasks), bootstrap_iters=0, log_samples=True)
    return {name: {one["doc"][NUMBER]: _reply(one) for one in found["samples"][name]} for name in tasks}


def _reply(sample: Mapping[str, Any]) -> Reply:
    given = sample["filtered_resps"]
    values = {name: float(sample[name]) for name in sample["metrics"]} or None
    if isinstance(given[0], str):
        return Reply(text=given[0], values=values)
    return Reply(tuple(value for value, _ in given), values=values)


def _silently(build: Callable[..., None]) -> Callable[..., None]:
    def built(**given: Any) -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            build(**given)

    return built


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without lm-eval's warnings on how its own definitions are written."""
    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
