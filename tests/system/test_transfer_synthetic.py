"""A tiny encoder from scratch learns a task in one language and answers it in two others, and does not where
it must not: with shuffled labels, and without the parallel sentences that tie the languages together.

The languages share 48 meanings and no word; each has a word order of its own. Stage one sees parallel
sentences of A with B and of A with C, never a label. Stage two sees labels of A alone: which of eight topics
most words are about. It leaves the embeddings and the lower layer as they are: words of A that move alone
(all weights trained: 0.3 in B and C) lose their translations, for unlike real languages these share no word
that would take them along."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import BertConfig, BertModel

from harness.train.loop import train
from harness.train.problem import Problem
from harness.train.settings import TrainSettings

MEANINGS = 48
TOPICS = 8
ORDERS = {"a": lambda one: one, "b": lambda one: one[::-1], "c": lambda one: np.roll(one, 2)}
WIDTH = 32


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Texts:
    """Sentences as meanings, and the topic of most words of each."""

    meanings: tuple[np.ndarray, ...]
    topics: np.ndarray


def draw(count, seed):
    """Sentences of 7 to 11 meanings. Meaning m is about topic m % 8; about 70% of the words are about one."""
    random = np.random.default_rng(seed)
    meanings, topics = [], []
    for _ in range(count):
        length, topic = random.integers(7, 12), random.integers(TOPICS)
        on_topic = np.arange(length) < round(0.7 * length)
        about = np.where(on_topic, topic, (topic + random.integers(1, TOPICS, length)) % TOPICS)
        words = random.integers(0, MEANINGS // TOPICS, length) * TOPICS + about
        meanings.append(random.permutation(words))
        topics.append(topic)
    return Texts(tuple(meanings), np.array(topics))


def say(sentences, language):
    """Padded word ids and mask of meanings said in a language; 0 is padding."""
    first = 1 + list(ORDERS).index(language) * MEANINGS
    ids = torch.zeros(len(sentences), max(map(len, sentences)), dtype=torch.long)
    for row, meanings in enumerate(sentences):
        ids[row, : len(meanings)] = torch.from_numpy(ORDERS[language](meanings) + first)
    return ids, (ids != 0).long()


class Reader(torch.nn.Module):
    """An encoder, the mean of its vectors, and a linear head."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = BertModel(
            BertConfig(
                vocab_size=1 + len(ORDERS) * MEANINGS,
                hidden_size=WIDTH,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=16,
            ),
            add_pooling_layer=False,
        )
        self.head = torch.nn.Linear(WIDTH, TOPICS)

    def forward(self, ids, mask, labelled):
        vectors = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        mean = (vectors * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return self.head(mean) if labelled else functional.normalize(mean, dim=-1)


def parallel(model, texts):
    """Translations find one another among all sentences of a batch, in both directions."""
    count = len(texts.meanings)

    def collate(features):
        ours, theirs = ("ab", "ac")[features[0] // count]
        sentences = [texts.meanings[at % count] for at in features]
        return {"a": say(sentences, ours), "b": say(sentences, theirs)}

    def loss(model, batch):
        similar = model(*batch["a"], labelled=False) @ model(*batch["b"], labelled=False).T / 0.07
        right = torch.arange(len(similar))
        both = [functional.cross_entropy(one, right, reduction="sum") for one in (similar, similar.T)]
        return sum(both) / 2, torch.tensor(len(similar))

    lengths = np.array([len(one) for one in texts.meanings])
    groups = np.repeat([0, 1], count)
    return Problem(model, np.tile(lengths, 2), collate, loss, groups=groups, whole=True)


def labelled(model, texts, topics):
    """Which topic, in language A."""

    def collate(features):
        ids, mask = say([texts.meanings[at] for at in features], "a")
        return {"ids": ids, "mask": mask, "labels": torch.from_numpy(topics[list(features)])}

    def loss(model, batch):
        logits = model(batch["ids"], batch["mask"], labelled=True)
        return functional.cross_entropy(logits, batch["labels"], reduction="sum"), torch.tensor(len(logits))

    lengths = np.array([len(one) for one in texts.meanings])
    return Problem(model, lengths, collate, loss, encoder=model.encoder)


@torch.no_grad()
def accuracies(model):
    """Language -> accuracy on sentences that no stage has seen."""
    texts = draw(600, seed=99)
    found = {}
    for language in ORDERS:
        answers = model(*say(texts.meanings, language), labelled=True).argmax(-1).numpy()
        found[language] = float((answers == texts.topics).mean())
    return found


PAIRS = TrainSettings(learning_rate=3e-3, epochs=6, batch_size=64, warmup=0.1, device="cpu", length_pool=4)
LABELS = TrainSettings(learning_rate=1e-2, epochs=6, batch_size=32, warmup=0.1, freeze=1, device="cpu")


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """The weights after the parallel sentences."""
    model = Reader()
    trained = train(parallel(model, draw(1200, seed=1)), PAIRS, tmp_path_factory.mktemp("pairs"))
    assert np.mean(trained.losses[-5:]) < 0.25 * trained.losses[0]
    return model.state_dict()


def tuned(folder, weights=None, shuffle=None):
    """Accuracies after labels of language A, `shuffle` is the seed of their permutation."""
    model = Reader()
    if weights:
        model.load_state_dict(weights)
    texts = draw(800, seed=2)
    topics = texts.topics if shuffle is None else np.random.default_rng(shuffle).permutation(texts.topics)
    train(labelled(model, texts, topics), LABELS, folder)
    return accuracies(model)


def test_labels_of_one_language_answer_in_the_others(aligned, tmp_path):
    found = tuned(tmp_path, aligned)
    assert min(found.values()) >= 0.95, found


def test_shuffled_labels_teach_nothing(aligned, tmp_path):
    """Sentences of a topic lie close together, so that a model without knowledge gives one answer for each
    topic: its accuracy is the share of 8 guesses that happen to be right, with a standard deviation of
    1/8."""
    found = [tuned(tmp_path, aligned, shuffle=seed) for seed in range(3)]
    for language in ORDERS:
        mean = np.mean([one[language] for one in found])
        assert mean < 1 / TOPICS + 3 / TOPICS / np.sqrt(len(found)), (language, found)


def test_nothing_transfers_without_parallel_sentences(tmp_path):
    found = tuned(tmp_path)
    assert found["a"] >= 0.9, found
    assert max(found["b"], found["c"]) < 0.3, found
