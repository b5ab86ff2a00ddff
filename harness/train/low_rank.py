"""Low-rank updates of an encoder's layers (Hu et al. 2021, arXiv 2106.09685), put in before a training and
merged into the weights after it, so that what is left is an ordinary model."""

from collections.abc import Callable

import torch

from harness.errors import HarnessError, missing_package
from harness.train.parameters import LAYER, encoder_of, encoder_weights
from harness.train.problem import Problem

# The scale of an update is alpha / rank: twice the rank is the usual choice.
ALPHA_PER_RANK = 2


def add_updates(problem: Problem, rank: int, seed: int) -> Callable[[], None]:
    """Puts updates of this rank on every linear map in the encoder's layers, which are then frozen; the head
    trains in full. Returns what merges the updates into the weights. The model stays the same object."""
    try:
        from peft import LoraConfig
        from peft.tuners.lora import LoraModel
    except ModuleNotFoundError as error:
        raise missing_package("peft", "'zeroshot-harness[peft]'") from error
    own = set(encoder_weights(problem))
    head = [weight for name, weight in problem.model.named_parameters() if name not in own and weight.requires_grad]
    targets = linear_maps(problem)
    torch.manual_seed(seed)
    config = LoraConfig(r=rank, lora_alpha=ALPHA_PER_RANK * rank, lora_dropout=0.0, target_modules=targets)
    tuner = LoraModel(problem.model, config, "default")
    for weight in head:
        weight.requires_grad_(True)

    def merge() -> None:
        tuner.merge_and_unload()

    return merge


def linear_maps(problem: Problem) -> list[str]:
    """Names of the linear maps in the encoder's layers, of the lowest `depth` where the problem says so."""
    inside = {id(module) for module in encoder_of(problem).modules()}
    names = [
        name
        for name, module in problem.model.named_modules()
        if isinstance(module, torch.nn.Linear) and id(module) in inside and _is_updated(name, problem.depth)
    ]
    if not names:
        raise HarnessError(
            f"{type(problem.model).__name__} has no linear layers that --lora could update.",
            "Train without --lora.",
        )
    return names


def _is_updated(name: str, depth: int | None) -> bool:
    found = LAYER.search(f".{name}.")
    return found is not None and (depth is None or int(found.group(1)) < depth)
