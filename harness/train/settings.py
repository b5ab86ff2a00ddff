"""What may be set for a training, how many steps it makes and at which learning rate."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from harness.errors import HarnessError

DTYPES = ("float32", "bfloat16", "float16")
SELECTIONS = ("best", "last", "average")
DEVICES = ("auto", "cpu", "cuda", "mps")
# What moves no score beyond rounding, and the seed, which stands beside a signature.
UNSIGNED = ("seed", "micro_tokens", "save_every", "device", "shard")


@dataclass(frozen=True)
class TrainSettings:
    """`batch_size` features make one step, over all processes. `warmup` below 1 is a part of all steps, from
    1 on a number of them. `layer_decay` multiplies the learning rate once for each layer below the head.
    `evaluate_every` steps a checkpoint is judged or averaged (None: after each epoch); `patience` judged
    ones without a gain end the training; `dev_limit` is for whoever builds `Problem.evaluate`. `selection`:
    the best checkpoint on development data, the last, or the mean of all (Schmidt et al. 2023, arXiv
    2305.16834).

    `freeze`: 0, the number of lowest layers that stay as they are (embeddings included), or "encoder" (a
    linear probe). `lora`: rank of low-rank updates of the encoder's layers (0: full training).
    `length_pool`: so many batches are drawn together and dealt out by length; 1 is plain random sampling.
    `micro_tokens`: padded tokens that run at once (None: by device). `save_every` steps the state is kept
    for a resume (None: five minutes). `shard` shares weights, gradients and optimizer states out over the processes."""

    learning_rate: float = 2e-5
    epochs: float = 3.0
    max_steps: int | None = None
    batch_size: int = 32
    max_length: int = 128
    warmup: float = 0.0
    weight_decay: float = 0.0
    clip: float = 1.0
    epsilon: float = 1e-8
    layer_decay: float = 1.0
    dtype: str = "float32"
    selection: str = "last"
    evaluate_every: int | None = None
    patience: int | None = None
    dev_limit: int | None = None
    freeze: int | str = 0
    lora: int = 0
    length_pool: int = 16
    seed: int = 42
    micro_tokens: int | None = None
    save_every: int | None = None
    device: str = "auto"
    shard: bool = False

    def __post_init__(self) -> None:
        wrong = _mistakes(self)
        if wrong:
            raise HarnessError(f"These training settings cannot be: {'; '.join(wrong)}.", "Correct them.")

    def as_signature(self) -> dict[str, Any]:
        """All that can move a score, without what is off. JSON-able; the seed stands beside it."""
        neutral = {"layer_decay": 1.0, "freeze": 0, "lora": 0}
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in UNSIGNED and value is not None and neutral.get(name) != value
        }


def _mistakes(settings: TrainSettings) -> list[str]:
    """Every setting that makes no sense, as a phrase."""
    positive = ["learning_rate", "epochs", "batch_size", "max_length", "clip", "epsilon", "length_pool"]
    positive += ["max_steps", "evaluate_every", "patience", "dev_limit", "micro_tokens", "save_every"]
    values = asdict(settings)
    wrong = [
        f"{name} is {values[name]}, must be a number above 0" for name in positive if not _above_zero(values[name])
    ]
    wrong += [
        f"{name} is {values[name]}, must be a number and not below 0"
        for name in ("warmup", "weight_decay", "lora", "seed")
        if not 0 <= values[name] < math.inf
    ]
    if not 0 < settings.layer_decay <= 1:
        wrong.append(f"layer_decay is {settings.layer_decay}, must be above 0 and at most 1")
    for name, known in (("dtype", DTYPES), ("selection", SELECTIONS), ("device", DEVICES)):
        if values[name] not in known:
            wrong.append(f"{name} is '{values[name]}', must be one of {', '.join(known)}")
    if settings.freeze != "encoder" and not (isinstance(settings.freeze, int) and settings.freeze >= 0):
        wrong.append(f"freeze is '{settings.freeze}', must be a number of layers or 'encoder'")
    if settings.shard and settings.dtype == "float16":
        wrong.append("shard computes in float32 or bfloat16, not in float16")
    if settings.lora and settings.freeze:
        wrong.append("lora and freeze are both set, and lora already freezes the encoder")
    return wrong


def _above_zero(value: float | None) -> bool:
    return value is None or 0 < value < math.inf


def total_steps(settings: TrainSettings, per_epoch: int) -> int:
    """Steps of the whole training: `max_steps` where given, else `epochs`, at least one. `per_epoch` is the
    number of effective batches that hold every feature once, the last of which may be smaller."""
    if settings.max_steps is not None:
        return settings.max_steps
    return max(1, math.ceil(settings.epochs * per_epoch))


def warmup_steps(settings: TrainSettings, steps: int) -> int:
    """Steps in which the learning rate rises."""
    return math.ceil(settings.warmup * steps) if settings.warmup < 1 else int(settings.warmup)


def rate(settings: TrainSettings, step: int, steps: int) -> float:
    """The learning rate of a step (from 0) as a part of the full one: a linear rise from 0 over the warm-up,
    then a linear fall to 0 after the last step. It is transformers' `get_linear_schedule_with_warmup`."""
    rising = warmup_steps(settings, steps)
    if step < rising:
        return step / rising
    return max(0.0, (steps - step) / max(1, steps - rising))


def warnings(settings: TrainSettings, steps: int) -> tuple[str, ...]:
    """What a user should hear before a training of so many steps starts."""
    rising = warmup_steps(settings, steps)
    if rising < steps:
        return ()
    highest = settings.learning_rate * rate(settings, steps - 1, steps)
    return (
        f"The warm-up of {rising} steps is no shorter than the whole training of {steps} steps: the "
        f"learning rate gets to {highest:.1e}, never to {settings.learning_rate:.1e}. "
        "Set --warmup 0.1, or train longer.",
    )
