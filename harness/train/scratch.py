"""A tokenizer and a small encoder from scratch: the base that `mlm_scratch` trains, and CI's tiny models.

The tokenizer is a byte-level BPE with the special tokens of XLM-R in their places: no text gives an unknown token. The
encoder is an XLM-R of another size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.retrieval.tower import quiet

# In this order: XLM-R's padding is 1, from which its positions count.
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
# Rows of XLM-R's table of positions that no token uses.
UNUSED = 2


@dataclass(frozen=True)
class Sizes:
    """`vocabulary` entries of the tokenizer (at most), `layers` of `width` numbers with `heads` attention heads, texts
    of at most `positions` tokens. `dropout` of the encoder's configuration."""

    vocabulary: int = 16_000
    layers: int = 6
    width: int = 256
    heads: int = 4
    positions: int = 512
    dropout: float = 0.1

    def __post_init__(self) -> None:
        smallest = len(SPECIAL) + 256
        if self.vocabulary < smallest:
            raise HarnessError(f"A vocabulary of {self.vocabulary} cannot hold all bytes.", f"From {smallest} on.")
        if self.width % self.heads:
            raise HarnessError(f"{self.heads} heads cannot share a width of {self.width}.", "Choose a multiple.")
        if not 0 <= self.dropout < 1:
            raise HarnessError(f"--dropout {self.dropout} is no share of what is dropped.", "From 0 to below 1.")


def make_scratch(texts: Sequence[str], sizes: Sizes, seed: int, folder: Path) -> None:
    """Writes the untrained encoder and its tokenizer: the same bytes for the same texts, sizes and seed."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    tokenizer = make_tokenizer(texts, sizes)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=4 * sizes.width,
        max_position_embeddings=sizes.positions + UNUSED,
        initializer_range=spread_of(sizes.width),
        type_vocab_size=1,
        hidden_dropout_prob=sizes.dropout,
        attention_probs_dropout_prob=sizes.dropout,
        bos_token_id=SPECIAL.index("<s>"),
        pad_token_id=SPECIAL.index("<pad>"),
        eos_token_id=SPECIAL.index("</s>"),
    )
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        XLMRobertaForMaskedLM(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def spread_of(width: int) -> float:
    """Standard deviation of fresh weights (Nguyen and Salazar 2019, SmallInit): 0.02, as XLM-R's, at a width of 1,000.
    Trap: from 0.02 at a width of 192 the upper layers came to one vector for every token (docs/decisions.md)."""
    return math.sqrt(2 / (5 * width))


def make_tokenizer(texts: Sequence[str], sizes: Sizes) -> Any:
    """A byte-level BPE in transformers' wrapping, that puts `<s> a </s></s> b </s>` as XLM-R does."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=sizes.vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    ends = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
        model_max_length=sizes.positions,
        model_input_names=["input_ids", "attention_mask"],
    )
