"""Tasks asked by templates: our own, of which English development data choose one, and lm-eval's own definition.

The main number is that of the chosen template. Beside it stand each template's, their mean and their spread, and
the reading `lm-eval`: its own prompts on the same examples, scored as it scores them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from harness.checkpoint import Checkpoint, kinds
from harness.errors import HarnessError
from harness.examples import Question
from harness.metrics.readings import mean_over, of_reading, spread_over, value_of
from harness.metrics.score import Item, Metric, evaluate
from harness.plan import Answered, Job, Resolved, asked_languages
from harness.prompts.prompt import Options, Prompt, Template
from harness.prompts.templates import TEMPLATES, digest
from harness.protocols.answers import gold
from harness.protocols.exam import PSEUDO, UNIT, said
from harness.settings import Settings
from harness.tasks.overlap import drop_overlap, evaluated_texts
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.task import Task, Training, content_hash

LM_EVAL = "lm-eval"
# Development items that choose a template: written answers cost more than compared ones.
CHOSEN_ON = {"classify": 500, "choice": 500, "span": 100}
# lm-eval's names of its scores -> the names of our readings.
SCORES = {"acc": "accuracy_lm_eval", "f1": "f1_lm_eval", "exact_match": "exact_match_lm_eval"}


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings, source: Source) -> Resolved:
    """The templates, the development data and lm-eval's version; all that moves a score."""
    found = _resolve(task, settings, source)
    if checkpoint.kind != kinds.MLM:
        return found
    own = {"readout": PSEUDO, "masking": settings.masking, "unit": UNIT}
    return replace(found, settings={**found.settings, **own}, marks=(f"pseudo-{settings.masking}", *found.marks))


def _resolve(task: Task, settings: Settings, source: Source) -> Resolved:
    names = [one.name for one in TEMPLATES[task.name]]
    if settings.template not in (None, LM_EVAL, *names):
        raise HarnessError(
            f"{task.name} has no template '{settings.template}'.", f"It has {', '.join([*names, LM_EVAL])}."
        )
    templates = [one for one in TEMPLATES[task.name] if settings.template in (None, one.name)]
    resolved: dict[str, Any] = {"dtype": settings.dtype, "context": "cut on the left"}
    resolved |= {"prompts": digest(task.name, templates)} if templates else {}
    warnings = _without_definition(task, settings)
    if settings.template is not None:
        shown = {"template": settings.template, "lm_eval": version("lm_eval")}
        return Resolved({**resolved, **shown}, (settings.template,), None, warnings)
    dev = source.once((development, task.name, settings.limit), lambda: development(task, source, settings.limit))
    resolved |= {"template": f"the best of {', '.join(names)} on English dev", "lm_eval": version("lm_eval")}
    if dev is None:
        resolved["template"] = f"{names[0]}, the first: no English dev at hand to choose on"
        warnings = (*warnings, resolved["template"])
    else:
        resolved |= {"dev": dev.name, "dev_items": len(dev.dev), "dev_data": dev.data}
    return Resolved(resolved, (), dev, warnings)


def development(task: Task, source: Source, limit: int | None) -> Training | None:
    """What chooses the template: the task's own English dev, else the dev set of its English training data without
    what is evaluated; None where neither is at hand."""
    most = min(CHOSEN_ON[task.form], limit or CHOSEN_ON[task.form])
    name = f"{task.name} dev en, which --split validation scores"
    try:
        if "validation" in task.splits:
            found: tuple[Any, ...] = tuple(task.load(source, "en", "validation", most).examples)  # type: ignore[arg-type]
        else:
            assert task.train is not None, "a task with templates has training data"
            training, _ = drop_overlap(task.train(source, "en"), evaluated_texts(source, task))
            name, found = f"{training.name}, {training.notes['selected_on']}", training.dev[:most]
    except (MissingDataError, BlankedLabelsError):
        return None
    return Training(name, (), found, content_hash(found)) if found else None


def lacks(task: Task, language: str, settings: Settings) -> str:
    """lm-eval's definition, where it alone is asked for and there is none."""
    from harness.protocols.lm_eval_tasks import definition

    wanted = settings.template == LM_EVAL and definition(task.name, language) is None
    return f"lm-eval {version('lm_eval')} has no definition of {task.name} in {language}" if wanted else ""


def metrics(task: Task, language: str, settings: Mapping[str, Any]) -> tuple[Metric, ...]:
    """The task's own metrics of the main reading, then mean, spread and each template, then lm-eval's."""
    from harness.protocols.lm_eval_tasks import definition

    own = task.metrics(language)
    scores = [SCORES[one] for one in (("f1", "exact_match") if task.form == "span" else ("acc",))]
    theirs = [value_of(name) for name in scores] if definition(task.name, language) else []
    if settings["template"] == LM_EVAL:
        return (*own, *theirs)
    names = [one.name for one in TEMPLATES[task.name]]
    if settings["template"] in names:
        return own
    main = own[0]
    return (
        *own,
        mean_over(f"{main.name}_template_mean", main, names),
        spread_over(f"{main.name}_template_spread", main, names),
        *(of_reading(f"{main.name}_{name}", main, name) for name in names),
        *theirs,
    )


def answer(job: Job, model: Any) -> Answered:
    """The job's items, and which template was chosen."""
    from harness.protocols.lm_eval_tasks import ask, defined, definition

    examples: tuple[Any, ...] = tuple(job.loaded.examples)  # type: ignore[arg-type]
    named = str(job.settings["template"])
    templates = {one.name: one for one in TEMPLATES[job.task.name]}
    asked = [templates[named]] if named in templates else [] if named == LM_EVAL else list(templates.values())
    chosen, notes = _chosen(job, asked, model)
    tasks = {one.name: prepared(one, examples) for one in asked}
    path = definition(job.task.name, job.language) if named not in templates else None
    if path is not None:
        tasks[LM_EVAL] = defined(path, examples)
    replies = ask(model, tasks)
    notes |= said(model)
    readings = {one.name: outputs(one, examples, replies[one.name]) for one in asked}
    theirs = replies.get(LM_EVAL, {})
    main = readings[chosen] if chosen else [_their_output(one, theirs.get(at)) for at, one in enumerate(examples)]
    items = []
    for at, (one, output) in enumerate(zip(examples, main, strict=True)):
        found = {name: outs[at] for name, outs in readings.items()} if len(readings) > 1 else {}
        values = theirs[at].values or {} if at in theirs else {}
        found |= {SCORES[name]: value for name, value in values.items() if name in SCORES}
        items.append(Item(one.id, gold(one), output, one.cluster, found))
    return Answered(tuple(items), notes)


def prepared(template: Template, examples: Sequence[Question]) -> Any:
    """The template's prompts as an lm-eval task."""
    from harness.protocols.lm_eval_tasks import Prepared

    return Prepared(template.name, [template.render(one) for one in examples])


def outputs(template: Template, examples: Sequence[Question], replies: Mapping[int, Any]) -> list[Any]:
    """What the model answered, in the task's own terms."""
    return [_output(template.render(one), replies[at]) for at, one in enumerate(examples)]


def _output(prompt: Prompt, reply: Any) -> Any:
    """The answer of the likeliest continuation (the first of equal ones), or the written text."""
    if isinstance(prompt, Options):
        values = reply.log_likelihoods
        return prompt.answers[max(range(len(values)), key=lambda at: values[at])]
    return reply.text.strip()


def _their_output(example: Any, reply: Any) -> Any:
    """lm-eval's answer: the text, else the label or number of the likeliest option, None where it left the example
    out."""
    from harness.protocols.lm_eval_tasks import XNLI_LABELS

    if reply is None:
        return None
    values = reply.log_likelihoods
    if not values:
        return reply.text.strip()
    best = max(range(len(values)), key=lambda at: values[at])
    if not hasattr(example, "label"):
        return best
    return XNLI_LABELS[best] if example.label in XNLI_LABELS else str(best)


def _chosen(job: Job, asked: Sequence[Template], model: Any) -> tuple[str, dict[str, Any]]:
    """(name of the template that counts, what a reader must know); "" where it is lm-eval's definition."""
    if not asked:
        return "", {}
    if len(asked) == 1 or job.training is None:
        return asked[0].name, {}
    from harness.protocols.lm_eval_tasks import ask

    dev = job.training.dev
    replies = ask(model, {one.name: prepared(one, dev) for one in asked})
    metric = job.task.metrics("en")[0]
    values = {}
    for one in asked:
        found = outputs(one, dev, replies[one.name])
        items = [Item(e.id, gold(e), out, e.cluster) for e, out in zip(dev, found, strict=True)]
        values[one.name] = round(evaluate(metric, items), 6)
    best = max(values, key=lambda name: values[name])
    return best, {"chosen": best, "chosen_by": ", ".join(f"{name} {value}" for name, value in values.items())}


def _without_definition(task: Task, settings: Settings) -> tuple[str, ...]:
    from harness.protocols.lm_eval_tasks import definition

    lacking = [code for code in asked_languages(task, settings) if definition(task.name, code) is None]
    said = f"lm-eval {version('lm_eval')} has no definition of it in {', '.join(lacking)}: no reading lm-eval there"
    return (said,) if lacking else ()
