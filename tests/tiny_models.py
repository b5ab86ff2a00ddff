"""Makers of tiny checkpoints of every kind, with a real tokenizer that knows every character (no UNK by
construction)."""

from pathlib import Path
from typing import Any

from tiny_files import copy, drop_tensors, edit_json, mistake, opened, run_python, write_json

__all__ = [
    "copy",
    "drop_tensors",
    "edit_json",
    "make_config",
    "make_tokenizer",
    "mistake",
    "opened",
    "run_python",
    "save_adapter",
    "save_dual_encoder",
    "save_model",
    "save_sentence_model",
    "save_vision_language",
    "write_json",
]

SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "Der schnelle braune Fuchs springt über den faulen Hund.",
    "El rápido zorro marrón salta sobre el perro perezoso.",
    "Быстрая коричневая лиса прыгает через ленивую собаку.",
    "敏捷的棕色狐狸跳过了懒狗。",
    "तेज भूरी लोमड़ी आलसी कुत्ते के ऊपर से कूदती है।",
    "الثعلب البني السريع يقفز فوق الكلب الكسول.",
)
# The order of RoBERTa's: padding is 1, so that position offsets are tested too.
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
VOCABULARY = 400
TABLES = {
    "": "MODEL_MAPPING_NAMES",
    "masked-lm": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "sequence-classification": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",
    "token-classification": "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES",
    "question-answering": "MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES",
    "multiple-choice": "MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES",
    "causal-lm": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "seq2seq": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
}


# module -> its dotted type as version 6 and as version 2 write it
DOTTED = {
    name: [f"sentence_transformers.{new}.{name.lower()}.{name}", f"sentence_transformers.models.{name}"]
    for name, new in {
        "Transformer": "base.modules",
        "Pooling": "sentence_transformer.modules",
        "Dense": "base.modules",
        "Normalize": "base.modules",
    }.items()
}


def make_tokenizer(form: str = "encoder") -> Any:
    """A byte-level BPE tokenizer. `form`: "encoder" puts <s> a </s> b </s>, "seq2seq" a </s>, "decoder"
    nothing."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    ids = {token: tokenizer.token_to_id(token) for token in ("<s>", "</s>")}
    if form == "encoder":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=list(ids.items())
        )
    elif form == "seq2seq":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", ids["</s>"])]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
        model_max_length=512,
    )
    assert fast.unk_token_id not in fast("Ελληνικά 한국어 ქართული").input_ids
    return fast


def make_config(family: str, *, layers: int = 2, width: int = 32, **options: Any) -> Any:
    """A tiny configuration of a transformers model type; `options` are set last, under that configuration's
    names."""
    from transformers import AutoConfig

    sizes = {
        "num_hidden_layers": layers,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": width // 4,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 514,
        "type_vocab_size": 2,
        "embedding_size": width,
        "encoder_layers": layers,
        "decoder_layers": layers,
        "encoder_ffn_dim": 2 * width,
        "decoder_ffn_dim": 2 * width,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "num_decoder_layers": layers,
        "d_kv": width // 4,
        "d_ff": 2 * width,
        "input_embedding_size": width,
        "output_embedding_size": width,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "decoder_start_token_id": 1,
        "image_size": 16,
        "patch_size": 8,
        "projection_dim": width,
    }
    default = AutoConfig.for_model(family)
    known = {name: value for name, value in sizes.items() if hasattr(default, name) and name not in options}
    for name in ("num_hidden_layers", "layer_types"):  # one entry per layer, or a property of other numbers
        if isinstance(getattr(type(default), name, None), property):
            known.pop(name, None)
    own = {default.attribute_map.get(name, name): value for name, value in {**known, **options}.items()}
    return AutoConfig.for_model(family, **own)


def save_model(
    folder: Path,
    family: str = "bert",
    head: str = "",
    *,
    labels: tuple[str, ...] = (),
    seed: int = 0,
    tokenizer: str | None = "encoder",
    **options: Any,
) -> Path:
    """A tiny model with random weights and a tokenizer of that form (None: without one), as save_pretrained
    writes it."""
    import torch
    import transformers
    from transformers.models.auto import modeling_auto

    if labels:
        options |= {
            "id2label": dict(enumerate(labels)),
            "label2id": {label: n for n, label in enumerate(labels)},
        }
    config = make_config(family, **options)
    name = getattr(modeling_auto, TABLES[head])[family] if head in TABLES else head
    torch.manual_seed(seed)
    getattr(transformers, name)(config).save_pretrained(folder)
    if tokenizer is not None:
        make_tokenizer(tokenizer).save_pretrained(folder)
    return folder


def save_dual_encoder(folder: Path, family: str = "clip", **options: Any) -> Path:
    """A tiny CLIP or SigLIP, or ("vision-text-dual-encoder") a BERT and a ViT joined."""
    import torch
    import transformers

    torch.manual_seed(0)
    if family == "vision-text-dual-encoder":
        towers = {"vision_config": make_config("vit").to_dict(), "text_config": make_config("bert").to_dict()}
        config = transformers.VisionTextDualEncoderConfig(**towers, projection_dim=16)
        model: Any = transformers.VisionTextDualEncoderModel(config)
    else:
        towers = {
            "vision_config": make_config(f"{family}_vision_model").to_dict(),
            "text_config": make_config(f"{family}_text_model", max_position_embeddings=64, **options).to_dict(),
        }
        config = transformers.AutoConfig.for_model(family, **towers, projection_dim=16)
        model = transformers.AutoModel.from_config(config)
    model.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def save_vision_language(folder: Path, layers: int = 2) -> Path:
    """A tiny LLaVA: a CLIP image tower and a Llama."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.LlavaConfig(
        vision_config=make_config("clip_vision_model"),
        text_config=make_config("llama", layers=layers),
        image_token_index=4,
    )
    transformers.LlavaForConditionalGeneration(config).save_pretrained(folder)
    make_tokenizer("decoder").save_pretrained(folder)
    return folder


def save_sentence_model(
    folder: Path,
    *,
    style: int = 6,
    pooling: str = "mean",
    normalise: bool = True,
    dense: int = 0,
    prompts: dict[str, str] | None = None,
    max_length: int = 128,
    transformer: str = "",
    **options: Any,
) -> Path:
    """A sentence-transformers folder by hand, in the style of version 2 or 6; `dense` is the width of a dense
    layer."""
    import torch
    from safetensors.torch import save_file

    old = style < 6
    save_model(folder / transformer, **options)
    chain = [("Transformer", transformer), ("Pooling", "1_Pooling")]
    chain += [("Dense", "2_Dense")] if dense else []
    chain += [("Normalize", f"{len(chain)}_Normalize")] if normalise else []
    entries = [
        {"idx": n, "name": str(n), "path": path, "type": DOTTED[name][old]} for n, (name, path) in enumerate(chain)
    ]
    write_json(folder / "modules.json", entries)
    if old:
        flags = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken")
        chosen = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}.get(pooling, pooling)
        state = {f"pooling_mode_{flag}": flag == chosen for flag in flags}
        write_json(folder / "1_Pooling/config.json", {"word_embedding_dimension": 32, **state})
        write_json(
            folder / transformer / "sentence_bert_config.json",
            {"max_seq_length": max_length, "do_lower_case": False},
        )
    else:
        write_json(
            folder / "1_Pooling/config.json",
            {"embedding_dimension": 32, "pooling_mode": pooling, "include_prompt": True},
        )
        write_json(folder / transformer / "sentence_bert_config.json", {"transformer_task": "feature-extraction"})
        edit_json(folder / transformer / "tokenizer_config.json", model_max_length=max_length)
    if dense:
        write_json(
            folder / "2_Dense/config.json",
            {
                "in_features": 32,
                "out_features": dense,
                "bias": True,
                "activation_function": "torch.nn.modules.activation.Tanh",
            },
        )
        save_file(
            {"linear.weight": torch.ones(dense, 32), "linear.bias": torch.zeros(dense)},
            folder / "2_Dense/model.safetensors",
        )
    if prompts:
        write_json(
            folder / "config_sentence_transformers.json",
            {"prompts": prompts, "default_prompt_name": next(iter(prompts))},
        )
    return folder


def save_adapter(folder: Path, base: Path, head: str = "", labels: tuple[str, ...] = (), **options: Any) -> Path:
    """A LoRA adapter on a folder, through peft; with a head, that head is trained (saved) with it."""
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model

    tasks = {"sequence-classification": "SEQ_CLS", "token-classification": "TOKEN_CLS"}
    tasks["question-answering"] = "QUESTION_ANS"
    auto = {
        "sequence-classification": "AutoModelForSequenceClassification",
        "token-classification": "AutoModelForTokenClassification",
        "question-answering": "AutoModelForQuestionAnswering",
        "causal-lm": "AutoModelForCausalLM",
        "": "AutoModel",
    }[head]
    torch.manual_seed(1)
    extra = {"num_labels": len(labels)} if labels else {}
    model = getattr(transformers, auto).from_pretrained(base, **extra)
    adapted = get_peft_model(model, LoraConfig(r=2, task_type=tasks.get(head), **options))
    adapted.save_pretrained(folder)
    return folder
