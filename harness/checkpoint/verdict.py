"""What kind of checkpoint these tensors make, and why.

config.json only proposes: a kind is given when transformers' class for it finds every tensor in the file. A
name such as BertForMaskedLM over weights without that head is a bare encoder (traps: MiniLM's folder lacks
6)."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harness.checkpoint import kinds
from harness.checkpoint.fit import Fit, fit
from harness.checkpoint.weights import Weights
from harness.errors import HarnessError

# kind -> transformers' table (model type -> class) and the auto class under which own code registers itself
TABLES = {
    kinds.IMAGE_TEXT: ("MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES", "AutoModel"),
    kinds.VISION_LANGUAGE: ("MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES", "AutoModelForImageTextToText"),
    kinds.SEQ2SEQ: ("MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES", "AutoModelForSeq2SeqLM"),
    kinds.SEQUENCE: ("MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES", "AutoModelForSequenceClassification"),
    kinds.TOKEN: ("MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES", "AutoModelForTokenClassification"),
    kinds.QUESTION: ("MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES", "AutoModelForQuestionAnswering"),
    kinds.CHOICE: ("MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES", "AutoModelForMultipleChoice"),
    kinds.MLM: ("MODEL_FOR_MASKED_LM_MAPPING_NAMES", "AutoModelForMaskedLM"),
    kinds.CAUSAL: ("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES", "AutoModelForCausalLM"),
}
# In none of transformers' tables by purpose.
DUAL_ENCODERS = {"vision-text-dual-encoder": "VisionTextDualEncoderModel"}
BACKBONES = (
    ("MODEL_MAPPING_NAMES", "AutoModel"),
    ("MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES", "AutoModelForTextEncoding"),
)
# Kinds that are tried whatever name config.json gives: the first whose tensors are all there.
UNNAMED = (kinds.IMAGE_TEXT, kinds.VISION_LANGUAGE, kinds.SEQ2SEQ, kinds.MLM, kinds.CAUSAL)


@dataclass(frozen=True)
class Verdict:
    """`backbone` is the transformers class that gives hidden states with no tensor missing ("" where none
    does)."""

    kind: str
    why: str
    backbone: str


@dataclass(frozen=True)
class Evidence:
    """A configuration (transformers' object) and the weights it comes with. `declared` is a kind named
    elsewhere (PEFT's task type); `code` is the folder whose own Python code defines the classes ("":
    transformers' own); `beside` names an adapter's file whose tensors are among the weights."""

    config: Any
    weights: Weights
    declared: str = ""
    code: str = ""
    beside: str = ""

    @property
    def named(self) -> str:
        """The files that a sentence on the tensors names."""
        return f"{self.weights.named} with {self.beside}" if self.beside else self.weights.named

    @property
    def architecture(self) -> str:
        """The class that wrote config.json, or the model type where it names none."""
        names = self.config.architectures
        return str(names[0]) if names else str(self.config.model_type)


def judge(evidence: Evidence) -> Verdict:
    """The kind, one sentence on why, and the class for hidden states; a HarnessError where weights are
    incomplete."""
    named = evidence.declared or _named_kind(evidence)
    if getattr(evidence.config, "quantization_config", None) is not None:
        return _by_name(evidence, named)
    tried = _try(evidence, named) if named else None
    backbone, lacking = _backbone(evidence)
    if tried is not None and tried.complete:
        holds = f"{evidence.named} holds every tensor of {tried.class_name}"
        return Verdict(named, f"{holds}, the class that {_namer(evidence)} names.", backbone)
    for kind in UNNAMED:
        found = _try_unnamed(evidence, kind) if kind != named else None
        if found is not None and found.complete:
            holds = f"{evidence.named} holds every tensor of {found.class_name}"
            instead = _lacks(evidence, tried) if tried else f"though config.json names {evidence.architecture}"
            return Verdict(kind, f"{holds}, {instead}.", backbone)
    if not backbone:
        raise _incomplete(evidence, tried or lacking)
    _refuse_other_input(evidence, backbone)
    return Verdict(kinds.ENCODER, _bare(evidence, tried, backbone), backbone)


def _named_kind(evidence: Evidence) -> str:
    """The kind of the class that config.json names, or "" where it names a bare model (or nothing)."""
    for kind in TABLES:
        if _class_name(evidence, kind) == evidence.architecture and _possible(evidence, kind, named=True):
            return kind
    return ""


def _possible(evidence: Evidence, kind: str, named: bool = False) -> bool:
    """Whether the configuration allows a kind: several classes stand in more than one of transformers' tables
    (BartForConditionalGeneration also for masked LM, Gemma3ForConditionalGeneration also for causal LM, XLM
    for both)."""
    config = evidence.config
    if kind == kinds.SEQ2SEQ:
        return bool(config.is_encoder_decoder)
    if kind == kinds.VISION_LANGUAGE:
        return hasattr(config, "vision_config")
    if kind == kinds.MLM:
        return not config.is_encoder_decoder and not getattr(config, "causal", False)
    if kind == kinds.CAUSAL:
        return not config.is_encoder_decoder and (named or not _class_name(evidence, kinds.MLM))
    return True


def _class_name(evidence: Evidence, kind: str) -> str:
    """The class that reads this model type as `kind`, or "": transformers has none."""
    from transformers.models.auto import modeling_auto

    table, auto = TABLES[kind]
    if evidence.code:
        return str(evidence.config.auto_map.get(auto, "")).rpartition(".")[2] if kind != kinds.IMAGE_TEXT else ""
    model_type = str(evidence.config.model_type)
    own = DUAL_ENCODERS.get(model_type, "") if kind == kinds.IMAGE_TEXT else ""
    return str(getattr(modeling_auto, table).get(model_type, own))


def _try(evidence: Evidence, kind: str) -> Fit | None:
    """How the weights fit the class for `kind`; None where there is no such class."""
    name = _class_name(evidence, kind)
    return fit(_class(evidence, name, TABLES[kind][1]), evidence.config, evidence.weights.shapes) if name else None


def _try_unnamed(evidence: Evidence, kind: str) -> Fit | None:
    """The same for a class that config.json did not name: that it cannot be built is no mistake of the
    user's."""
    with suppress(HarnessError):
        return _try(evidence, kind) if _possible(evidence, kind) else None
    return None


def _refuse_other_input(evidence: Evidence, backbone: str) -> None:
    """A bare model may read anything; transformers says what by the name of its main input."""
    reads = getattr(_class(evidence, backbone, "AutoModel"), "main_input_name", "input_ids")
    if reads != "input_ids":
        raise HarnessError(
            f"{evidence.weights.files[0].parent} is a {backbone}: it reads {reads}, not text.",
            "Give a checkpoint with a text tower.",
        )


def _class(evidence: Evidence, name: str, auto: str) -> Any:
    import transformers

    if evidence.code:
        from transformers.dynamic_module_utils import get_class_from_dynamic_module

        return get_class_from_dynamic_module(evidence.config.auto_map[auto], evidence.code)
    return getattr(transformers, name)


def _backbone(evidence: Evidence) -> tuple[str, Fit | None]:
    """The class for hidden states (its pooler may be missing: no hidden state passes it), or the first misfit."""
    misfit = None
    for name, auto in _backbones(evidence):
        fitted = fit(_class(evidence, name, auto), evidence.config, evidence.weights.shapes)
        if not fitted.mismatched and all("pooler" in tensor.split(".") for tensor in fitted.missing):
            return name, None
        misfit = misfit or fitted
    return "", misfit


def _backbones(evidence: Evidence) -> list[tuple[str, str]]:
    """(class, auto class) that give hidden states of this model type; of an encoder-decoder, its encoder's too."""
    from transformers.models.auto import modeling_auto

    if evidence.code:
        own = str(evidence.config.auto_map.get("AutoModel", "")).rpartition(".")[2]
        return [(own, "AutoModel")] if own else []
    found: list[tuple[str, str]] = []
    for table, auto in BACKBONES:
        names = getattr(modeling_auto, table).get(str(evidence.config.model_type), ())
        found += [(name, auto) for name in ((names,) if isinstance(names, str) else names)]
    return found


def _by_name(evidence: Evidence, named: str) -> Verdict:
    """Quantised tensors have other names and shapes than the classes expect: only the name can be read."""
    why = f"config.json names {evidence.architecture}, quantised: its tensors cannot be compared by name."
    return Verdict(named or kinds.ENCODER, why, next((name for name, _ in _backbones(evidence)), ""))


def _namer(evidence: Evidence) -> str:
    return "adapter_config.json" if evidence.declared else "config.json"


def _bare(evidence: Evidence, tried: Fit | None, backbone: str) -> str:
    holds = f"{evidence.named} holds every tensor of {backbone}"
    return f"{holds}, {_lacks(evidence, tried)}." if tried else f"{holds} and no head that transformers knows."


def _lacks(evidence: Evidence, tried: Fit) -> str:
    """What stands against the class that was named."""
    few = _few(tried.missing or tuple(name for name, *_ in tried.mismatched))
    problem = "lacks" if tried.missing else "has in another shape"
    return f"but {problem} {few} of {tried.class_name}, which {_namer(evidence)} names"


def _few(names: tuple[str, ...], most: int = 3) -> str:
    """`2 tensors (a, b)`, cut after `most` names."""
    noun = "tensor" if len(names) == 1 else "tensors"
    return f"{len(names)} {noun} ({', '.join(names[:most])}{', …' if len(names) > most else ''})"


def _incomplete(evidence: Evidence, lacking: Fit | None) -> HarnessError:
    """Weights from which nothing loads whole: what is missing would be random, and a score of it
    meaningless."""
    where = evidence.weights.files[0]
    if lacking is None:
        return HarnessError(
            f"{where.parent} is a {evidence.architecture}, which none of transformers' Auto classes loads.",
            "Kinds that can be evaluated: harness list kinds",
        )
    if lacking.mismatched:
        name, file, expected = lacking.mismatched[0]
        return HarnessError(
            f"{where} does not fit config.json: {name} is {list(file)}, {lacking.class_name} expects {list(expected)}.",
            "Save model and configuration together with save_pretrained.",
        )
    return HarnessError(
        f"{where} lacks {_few(lacking.missing)} of {lacking.class_name}; they would be random.",
        "Save the whole model again with save_pretrained.",
    )
