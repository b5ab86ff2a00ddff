"""The checkpoint as a function from sentences to vectors, for mining."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.mining.request import Request
from harness.protocols.retrieve import sentence_settings
from harness.settings import Settings


@dataclass(frozen=True)
class Reading:
    """A checkpoint and how it reads sentences; the encoder is loaded when it is first needed."""

    checkpoint: Checkpoint
    settings: dict[str, Any]
    device: str

    @cached_property
    def encoder(self) -> Any:
        from harness.retrieval.encoder import EncoderSettings, load_encoder

        own = {name: self.settings[name] for name in ("layer", "pooling", "max_length", "dtype")}
        return load_encoder(self.checkpoint, EncoderSettings(**own, device=self.device))

    def __call__(self, sentences: list[str]) -> NDArray[np.float32]:
        """(n, width) float32."""
        from harness.retrieval.embed import embed

        return embed(self.encoder, sentences, deduplicate=False)

    @property
    def stamp(self) -> dict[str, Any]:
        """All that decides a vector."""
        return {"weights": self.checkpoint.fingerprint, **self.settings}


def reading(request: Request) -> Reading:
    """The checkpoint of the request, nothing loaded yet."""
    assert request.model is not None, "the request has a model or vectors"
    checkpoint = open_checkpoint(request.model, request.trust_remote_code)
    settings = Settings(
        dtype=request.dtype, layer=request.layer, pooling=request.pooling, max_length=request.max_length
    )
    resolved = dict(sentence_settings(checkpoint, settings))
    return Reading(checkpoint, resolved, request.device)
