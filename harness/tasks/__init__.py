"""The tasks and benchmarks, found by name; a file of this folder is imported when its task is asked for."""

from collections.abc import Iterable, Sequence
from importlib import import_module

from harness.errors import HarnessError, unknown_names
from harness.tasks.outside import installed, read_file
from harness.tasks.task import Task
from harness.tasks.xtreme import XTREME_LANGUAGES, XTREME_R_LANGUAGES

NAMES = (
    *("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc2018", "tatoeba"),
    *("xcopa", "flores200", "flores200_mt"),
    *("mmlu", "mmmlu", "global_mmlu", "global_mmlu_lite", "m_mmlu", "mmlu_prox", "belebele", "xstorycloze"),
    *("image_text_retrieval", "lexical_alignment"),
)
# Given as --languages: of each task its own languages and those that XTREME-R adds.
XTREME_R = "xtreme-r"
BENCHMARKS = {
    "xtreme": tuple(XTREME_LANGUAGES),
    XTREME_R: ("xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba"),
    "multilingual-mmlu": ("mmmlu", "global_mmlu", "m_mmlu"),
    "retrieval": ("tatoeba", "bucc2018", "flores200"),
}
# Tasks from outside that were seen in this process: a leaderboard wants to know their languages too.
_OUTSIDE: dict[str, Task] = {}


def get_task(name: str) -> Task:
    """The task of that name."""
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    task: Task = import_module(f"harness.tasks.{name}").TASK
    return task


def find_task(name: str) -> Task | None:
    """The task of that name, or None when it is not known here."""
    return get_task(name) if name in NAMES or name in _OUTSIDE else None


def include(files: Iterable[str]) -> None:
    """Makes the tasks of some files and of installed packages known by their names."""
    for task in [*installed(), *(task for file in files for task in read_file(file))]:
        if task.name in NAMES or task.name in BENCHMARKS:
            raise HarnessError(f"A task from outside is called '{task.name}', as one of ours.", "Rename it.")
        _OUTSIDE[task.name] = task


def known_tasks() -> tuple[str, ...]:
    """Names of all tasks, ours first."""
    return (*NAMES, *_OUTSIDE)


def further_languages(task: Task) -> tuple[str, ...]:
    """The task's languages and those that XTREME-R adds; the average stays that over the task's own."""
    return tuple(dict.fromkeys((*task.languages, *XTREME_R_LANGUAGES.get(task.name, ()))))


def select(names: Sequence[str]) -> tuple[Task, ...]:
    """Tasks for a list of task and benchmark names, in order, without repetition; all unknown names at once."""
    known = (*known_tasks(), *BENCHMARKS)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise unknown_names("task", unknown, known, "`harness list tasks` prints all of them.")
    if not names:
        raise HarnessError("No task was named.", "Give --tasks, for example --tasks tatoeba,bucc2018.")
    expanded = [one for name in names for one in BENCHMARKS.get(name, (name,))]
    return tuple(get_task(name) for name in dict.fromkeys(expanded))
