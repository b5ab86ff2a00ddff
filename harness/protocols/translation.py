"""Translation by prompt: what a generative model writes after a sentence, through lm-eval's generation path."""

import hashlib
from typing import Any

from harness.checkpoint import Checkpoint
from harness.errors import HarnessError
from harness.examples import Pair
from harness.languages import language
from harness.metrics.score import Item
from harness.metrics.text import lacking
from harness.plan import Answered, Job, Resolved, asked_languages
from harness.prompts.translation import FORM, TOKENS, Translation
from harness.protocols.exam import LIKELIHOOD, readout_of, said
from harness.settings import Settings
from harness.tasks import flores200
from harness.tasks.task import Loaded, Task, content_hash

# Trained to translate from codes of both languages (`forced_bos_token_id` and the like), never from a prompt in words.
CODED = ("fsmt", "m2m_100", "marian", "mbart", "nllb-moe", "seamless_m4t", "seamless_m4t_v2")


def refuse(checkpoint: Checkpoint) -> str:
    """Only a model that was made to go on writing translates, and none whose languages are told by codes."""
    if checkpoint.model_type in CODED:
        return f"{checkpoint.name} ({checkpoint.model_type}) is told its languages by codes that no prompt gives"
    if readout_of(checkpoint) == LIKELIHOOD:
        return ""
    return f"{checkpoint.name} ({checkpoint.kind}) writes no text"


def resolve(task: Task, settings: Settings) -> Resolved:
    """All that moves a score; what sacreBLEU lacks here is said before any compute."""
    if settings.template is not None:
        raise HarnessError(f"{task.name} has one template.", "Leave out --template.")
    form = hashlib.sha256(FORM.encode()).hexdigest()[:16]
    resolved = {"dtype": settings.dtype, "context": "cut on the left", "prompts": form}
    resolved |= {"tokens": str(TOKENS), "shots": str(settings.shots)}
    marks = (f"{settings.shots}shot",) if settings.shots else ()
    return Resolved(resolved, marks, None, _lacking(task, settings))


def details(loaded: Loaded, settings: Settings) -> dict[str, Any]:
    """The hash of the solved sentences."""
    return {"shots_data": content_hash(loaded.shots[: settings.shots])} if settings.shots else {}


def lacks(loaded: Loaded, settings: Settings) -> str:
    """Solved sentences, where they are asked for."""
    if settings.shots > len(loaded.shots):
        return f"there are no {settings.shots} solved sentences to put before it (they are FLORES-200's dev)"
    return ""


def answer(job: Job, model: Any) -> Answered:
    """One line a sentence."""
    from harness.protocols.lm_eval_tasks import Prepared, ask

    pairs = [one for one in job.loaded.examples if isinstance(one, Pair)]  # type: ignore[union-attr]
    shots = [one for one in job.loaded.shots if isinstance(one, Pair)][: int(job.settings["shots"])]
    source, target = (language(code).name for code in flores200.sides(job.language))
    asked = Translation(source, target, shots)
    replies = ask(model, {job.task.name: Prepared(job.task.name, [asked.render(one) for one in pairs])})[job.task.name]
    items = [
        Item(str(one.row), one.target.strip(), replies[at].text.strip(), str(one.row)) for at, one in enumerate(pairs)
    ]
    return Answered(tuple(items), said(model))


def _lacking(task: Task, settings: Settings) -> tuple[str, ...]:
    pairs = asked_languages(task, settings)
    found: dict[str, list[str]] = {}
    for pair in pairs:
        for name in ("bleu", "spbleu"):
            reason = lacking(name, flores200.sides(pair)[1])
            if reason:
                found.setdefault(f"no {name}: {reason}", []).append(pair)
    return tuple(reason if len(own) == len(pairs) else f"{reason} ({', '.join(own)})" for reason, own in found.items())
