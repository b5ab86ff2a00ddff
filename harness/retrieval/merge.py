"""What an encoder is after its PEFT adapter (LoRA and its kin) was merged into it.

`PeftModel.from_pretrained` only warns when an adapter's names do not fit the model, as those of one trained
under a classification head do not fit the bare encoder, and goes on with the base model's weights. Here that
is an error."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, missing_package

WRAPPER = "base_model.model."
REMEDY = "Merge it yourself (merge_and_unload, save_pretrained) and give the merged folder."


def merge_adapter(model: Any, folder: Path) -> Any:
    """`model` (a transformers base model, cut or whole) with the adapter in `folder` merged in. Weights of
    layers that the model does not have are left out; a layer without its adapter weights is refused."""
    try:
        import peft
    except ImportError as error:
        raise missing_package("peft", "'zeroshot-harness[peft]'") from error
    try:
        config = peft.PeftConfig.from_pretrained(str(folder))
        state = _renamed(peft.utils.load_peft_weights(str(folder), device="cpu"), model.base_model_prefix)
        # Whole modules are set below; with a task type PEFT would look for a head.
        config.modules_to_save, config.task_type, config.inference_mode = None, None, True
        _set_whole_modules(model, state)
        wrapped = peft.PeftModel(model, config)
        merge = wrapped.merge_and_unload
        missing = peft.set_peft_model_state_dict(wrapped, state).missing_keys
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise HarnessError(f"The adapter in {folder} cannot be merged: {reason}", REMEDY) from error
    _refuse_unfilled(missing, folder)
    return merge()


def _renamed(state: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The adapter's weights under the bare model's names: without the attribute that held it beside a
    head."""
    outer = f"{WRAPPER}{prefix}."
    return {
        WRAPPER + key.removeprefix(outer) if key.startswith(outer) else key: tensor for key, tensor in state.items()
    }


def _set_whole_modules(model: Any, state: dict[str, Any]) -> None:
    """Modules that the adapter holds whole (PEFT's modules_to_save): embeddings, norms. A vocabulary that was
    enlarged for it is enlarged here; heads are not part of `model` and fall away."""
    own = model.state_dict()
    whole = {key.removeprefix(WRAPPER): tensor for key, tensor in state.items()}
    whole = {name: tensor for name, tensor in whole.items() if name in own}
    embeddings = model.get_input_embeddings().weight
    for name, tensor in whole.items():
        if own[name].data_ptr() == embeddings.data_ptr() and len(tensor) != len(embeddings):
            model.resize_token_embeddings(len(tensor), mean_resizing=False)
            break
    model.load_state_dict(whole, strict=False)


def _refuse_unfilled(missing: Iterable[str], folder: Path) -> None:
    """PEFT puts its own parameters under the adapter's name, `default`; the other keys are the base
    model's."""
    absent = sorted(key for key in missing if ".default" in key)
    if absent:
        raise HarnessError(
            f"The adapter in {folder} lacks weights for {len(absent)} modules of its base, first {absent[0]}.",
            f"It was made for another base model. {REMEDY}",
        )
