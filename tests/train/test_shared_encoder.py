"""Heads on one encoder, saved beside it and put back on it: the same answers, for every kind of architecture."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
import tiny_models
import torch

from harness.errors import HarnessError
from harness.heads import HEADS
from harness.heads.model import NewHead, build
from harness.heads.saved import choose, load_saved, save_head, saved_heads
from harness.heads.tokeniser import open_tokeniser
from harness.heads.trained import Wanted
from harness.train.shared_encoder import TaskModel, load_carrier, share

LABELS = {"classify": ("no", "maybe", "yes"), "tag": ("A", "B"), "span": (), "choice": ()}
BASES = {
    "bert": ("bert", "masked-lm", "encoder"),
    "roberta": ("xlm-roberta", "masked-lm", "encoder"),
    "bare": ("bert", "", "encoder"),
    "modernbert": ("modernbert", "masked-lm", "encoder"),
    "llama": ("llama", "causal-lm", "decoder"),
    "mt5": ("mt5", "seq2seq", "seq2seq"),
    "classifier": ("bert", "sequence-classification", "encoder"),
}


@pytest.fixture(scope="module", params=BASES)
def checkpoint(request, tmp_path_factory):
    family, head, tokenizer = BASES[request.param]
    folder = tmp_path_factory.mktemp("bases") / request.param
    more = {"type_vocab_size": 1} if family == "xlm-roberta" else {}
    return tiny_models.opened(tiny_models.save_model(folder, family, head, tokenizer=tokenizer, **more))


def answer(module, form):
    """Scores for two rows of ten tokens, each ending in </s>."""
    ids = torch.randint(5, 200, (2, 10), generator=torch.Generator().manual_seed(1))
    ids[:, -1] = 2
    output = module.eval()(input_ids=ids[:, None] if form == "choice" else ids)
    return HEADS[form].logits(output)


@pytest.mark.parametrize("form", HEADS)
def test_a_head_put_back_gives_the_same_answers(checkpoint, form, tmp_path):
    tokeniser = open_tokeniser(checkpoint)
    base = load_carrier(checkpoint, seed=1)
    model = build(checkpoint, tokeniser, NewHead(HEADS[form], LABELS[form], seed=7))
    expected = answer(model.module, form)
    shared = share(base, model)
    assert torch.equal(answer(shared, form), expected)
    inside = {id(weight) for weight in base.carrier.parameters()}
    own = [name for name, weight in shared.named_parameters() if id(weight) not in inside]
    assert own and not any(".layer." in name or "embed" in name for name in own), own
    place = tiny_models.copy(checkpoint.path, tmp_path / "out")
    save_head(model, form, place / "heads" / "mine", shared.pooler)
    opened = tiny_models.opened(place)
    assert opened.fingerprint == checkpoint.fingerprint
    wanted = Wanted(tuple(reversed(LABELS[form])))
    loaded = load_saved(opened, choose(opened, form, wanted, None), HEADS[form], wanted)
    assert torch.equal(answer(loaded.module, form), expected)
    assert loaded.labels == LABELS[form]


def test_a_step_of_one_task_moves_the_encoder_of_all(checkpoint):
    tokeniser = open_tokeniser(checkpoint)
    base = load_carrier(checkpoint, seed=1)
    tasks = {form: share(base, build(checkpoint, tokeniser, NewHead(HEADS[form], LABELS[form], 1))) for form in HEADS}
    before = {form: answer(task, form).detach() for form, task in tasks.items()}
    answer(tasks["tag"], "tag").square().sum().backward()
    with torch.no_grad():
        for weight in base.encoder.parameters():
            if weight.grad is not None:
                weight.sub_(0.5 * weight.grad.sign())
    assert all(not torch.equal(before[form], answer(task, form)) for form, task in tasks.items())


def test_heads_are_chosen_by_their_labels_or_by_name(tmp_path):
    folder = tiny_models.save_model(tmp_path / "base", "bert", "masked-lm")
    checkpoint = tiny_models.opened(folder)
    tokeniser, base = open_tokeniser(checkpoint), load_carrier(checkpoint, 1)
    for name, labels in (("nli", ("x", "y", "z")), ("more", ("x", "y", "z")), ("pairs", ("0", "1"))):
        model = build(checkpoint, tokeniser, NewHead(HEADS["classify"], labels, 1))
        save_head(model, "classify", folder / "heads" / name, share(base, model).pooler)
    assert list(saved_heads(checkpoint)) == ["more", "nli", "pairs"]
    assert choose(checkpoint, "classify", Wanted(("1", "0")), None).name == "pairs"
    assert choose(checkpoint, "classify", Wanted(("z", "x", "y")), "nli").name == "nli"
    for wanted, name, message in (
        (("x", "y", "z"), None, "several heads for this task: more, nli. Name one with --head"),
        (("a", "b"), None, "no head for this task"),
        (("0", "1"), "nli", "does not answer this task"),
        (("0", "1"), "pair", "Did you mean pairs"),
    ):
        with pytest.raises(HarnessError, match=message):
            choose(checkpoint, "classify", Wanted(wanted), name)


def test_a_head_of_another_width_is_refused(tmp_path):
    made = [tiny_models.save_model(tmp_path / str(width), "bert", "masked-lm", width=width) for width in (32, 64)]
    small, large = map(tiny_models.opened, made)
    model = build(small, open_tokeniser(small), NewHead(HEADS["tag"], ("A", "B"), 1))
    save_head(model, "tag", made[1] / "heads" / "tags", share(load_carrier(small, 1), model).pooler)
    with pytest.raises(HarnessError, match="does not fit"):
        load_saved(large, saved_heads(large)["tags"], HEADS["tag"], Wanted(("A", "B")))


def test_a_thread_that_leaves_takes_no_pooler_from_another() -> None:
    encoder = torch.nn.Module()
    encoder.pooler = None
    both_inside, one_left = Barrier(2), Event()

    class Task(torch.nn.Module):
        def forward(self, first: bool) -> bool:
            both_inside.wait(10)
            if first:
                assert one_left.wait(10)
            return encoder.pooler is not None

    model = TaskModel(Task(), encoder, torch.nn.Linear(2, 2))
    with ThreadPoolExecutor(2) as threads:
        slow, quick = threads.submit(model, first=True), threads.submit(model, first=False)
        assert quick.result(10)
        one_left.set()
        assert slow.result(10)
    assert encoder.pooler is None
