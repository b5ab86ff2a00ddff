"""What may be set for the recipes that read images' captions (`image_text`, its controls, `text_text`)."""

from dataclasses import dataclass

from harness.errors import HarnessError

CONTRASTS = ("infonce", "siglip")
SMALL = "conv"


@dataclass(frozen=True)
class DualSettings:
    """`vision`: `conv` (a small convolutional tower trained from scratch on pixels), a folder or hub id of a vision
    model of transformers, which stays frozen, or None: `features.npy` where a corpus has one, else `conv`. `contrast`:
    `infonce` (both directions, several positives) or `siglip` (a sigmoid for each pair). `captions` of an image are
    read in a step, drawn anew each time. `projection`: numbers of the common space. `new_rate`: learning rate of what
    is new (projections, small tower, temperature), whose warm-up and decay are the encoder's. `image_size`: pixels a
    side that the small tower reads."""

    vision: str | None = None
    contrast: str = "infonce"
    captions: int = 2
    projection: int = 256
    new_rate: float = 1e-3
    image_size: int = 64

    def __post_init__(self) -> None:
        if self.contrast not in CONTRASTS:
            raise HarnessError(f"There is no contrast '{self.contrast}'.", f"Choose one of {', '.join(CONTRASTS)}.")
        wrong = [name for name in ("captions", "projection", "new_rate") if getattr(self, name) <= 0]
        wrong += ["image_size"] if self.image_size < 16 else []
        if wrong:
            raise HarnessError(f"These cannot be so small: {', '.join(wrong)}.", "Images: 16 pixels a side or more.")
