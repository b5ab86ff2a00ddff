"""Sentences to vectors beside sentence-transformers and a plain transformers loop, and layer 4 of 6 against all 6.

    python -m benchmarks.embedding --data ../shared/data [--sentences 4000] [--repeats 3]

The files of `tatoeba/` in the data folder, MiniLM, no deduplication; every contender gives the same vectors to 1e-5 in
every round. sentence-transformers runs at its default batch and at the best one of a trial on a tenth of the sentences,
the plain loop at the batch that most write and at that of XTREME's own `evaluate_retrieval.py`. The gain of
deduplication is printed apart, and how many tokens the loop computes per token that is there."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from benchmarks.minilm import minilm
from benchmarks.timing import print_table, take_turns
from harness.checkpoint import open_checkpoint
from harness.retrieval.embed import embed, tokenise
from harness.retrieval.encoder import EncoderSettings, load_encoder

BATCHES = (8, 16, 32, 64, 128)
DEFAULT_BATCH = 32
LOOP_BATCHES = {32: "batch 32", 100: "XTREME's batch of 100"}


def read(data: Path, most: int | None) -> list[str]:
    """Every sentence of the folder's Tatoeba files; an even sample of `most` of them."""
    files = sorted((data / "tatoeba").glob("tatoeba.*"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return lines if most is None else lines[:: max(1, len(lines) // most)][:most]


def plain_loop(folder: Path, sentences: list[str], batch: int) -> NDArray[np.float32]:
    """What one writes first: batches in file order, padded, mean over the mask."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    out = []
    with torch.inference_mode():
        for start in range(0, len(sentences), batch):
            texts = sentences[start : start + batch]
            given = tokenizer(texts, padding="longest", truncation=True, max_length=256, return_tensors="pt")
            states = model(**given).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1)
            out.append((states * mask).sum(1) / mask.sum(1))
    vectors: NDArray[np.float32] = torch.nn.functional.normalize(torch.cat(out)).numpy()
    return vectors


def padded(lengths: list[int], batch: int) -> int:
    """Tokens with padding where batches are taken in file order."""
    parts = [lengths[start : start + batch] for start in range(0, len(lengths), batch)]
    return sum(max(part) * len(part) for part in parts)


def best_batch(peer: SentenceTransformer, sentences: list[str]) -> int:
    """The batch size at which the peer is fastest, the second of two looks at each."""
    took = {}
    for _ in range(2):
        for batch in BATCHES:
            started = time.perf_counter()
            peer.encode(sentences, batch_size=batch, show_progress_bar=False)
            took[batch] = time.perf_counter() - started
    print("trial on a part: " + ", ".join(f"batch {batch} {seconds:.2f} s" for batch, seconds in took.items()))
    return min(took, key=lambda batch: took[batch])


def checked(embed_all: Callable[[], NDArray[np.float32]], expected: NDArray[np.float32]) -> Callable[[], None]:
    """The contender, held to the same vectors."""

    def run() -> None:
        worst = float(np.abs(embed_all() - expected).max())
        assert worst < 1e-5, f"the vectors differ by {worst}"

    return run


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sentences", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    folder = minilm()
    sentences = read(options.data, options.sentences)
    checkpoint = open_checkpoint(str(folder))
    ours = load_encoder(checkpoint, EncoderSettings(pooling="sentence-transformers"))
    fourth = load_encoder(checkpoint, EncoderSettings(layer=4, pooling="mean"))
    peer = SentenceTransformer(str(folder), device="cpu")
    expected = embed(ours, sentences, deduplicate=False)
    best = best_batch(peer, sentences[::10])
    plain_loop(folder, sentences[:100], DEFAULT_BATCH)
    embed(fourth, sentences[:100], deduplicate=False)

    def theirs(batch: int) -> NDArray[np.float32]:
        found: NDArray[np.float32] = peer.encode(
            sentences, batch_size=batch, show_progress_bar=False, normalize_embeddings=True
        )
        return found

    named = {f"sentence-transformers, batch {batch}": batch for batch in sorted({best, DEFAULT_BATCH})}
    contenders = {
        "ours": checked(lambda: embed(ours, sentences, deduplicate=False), expected),
        **{name: checked(lambda batch=batch: theirs(batch), expected) for name, batch in named.items()},
        **{
            f"plain transformers loop, {name}": checked(
                lambda batch=batch: plain_loop(folder, sentences, batch), expected
            )
            for batch, name in LOOP_BATCHES.items()
        },
        "ours, deduplicated": checked(lambda: embed(ours, sentences), expected),
        "ours, layer 4 of 6": lambda: embed(fourth, sentences, deduplicate=False),
    }
    distinct = len(set(sentences))
    print(f"{len(sentences)} sentences, {distinct} distinct, {torch.get_num_threads()} threads, the same to 1e-5")
    lengths = [len(row) for row in tokenise(ours, sentences)]
    for batch, name in LOOP_BATCHES.items():
        print(f"the loop at {name} computes {padded(lengths, batch) / sum(lengths):.2f} tokens per token")
    print_table(take_turns(contenders, options.repeats, warm=True), "ours")


if __name__ == "__main__":
    main()
