"""`--backend`: another of lm-eval's models with our tasks and scores, through a completions server on 127.0.0.1."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import save_model

from harness.cli import main
from harness.store import Result, Store

RUN = ("--tasks", "mmlu", "--limit", "6", "--data", "bundled", "--shots", "1", "--quiet")


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "llama"
    return save_model(folder, "llama", "causal-lm", tokenizer="decoder", max_position_embeddings=4096)


@pytest.fixture(scope="module")
def server(llama: Path) -> Iterator[str]:
    """Answers completions that echo the prompt with its log-probabilities, as vLLM's and OpenAI's servers do."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(llama).eval()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *given: Any) -> None:
            """Quiet."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert asked["echo"]
            choices = [_choice(model, at, tokens) for at, tokens in enumerate(asked["prompt"])]
            body = json.dumps({"choices": choices}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{running.server_address[1]}/v1/completions"
    running.shutdown()
    running.server_close()


def _choice(model: Any, index: int, tokens: list[int]) -> dict[str, Any]:
    with torch.inference_mode():
        found = torch.log_softmax(model(torch.tensor([tokens])).logits[0].double(), -1)
    own = [float(found[at, token]) for at, token in enumerate(tokens[1:])]
    best = [float(one.max()) for one in found]
    top: list[Any] = [None, *({"x": value} for value in best)]
    return {"index": index, "text": "", "logprobs": {"token_logprobs": [None, *own, best[-1]], "top_logprobs": top}}


def evaluate(model: Path, output: Path, *more: str) -> int:
    return main(["eval", "--model", str(model), "--output", str(output), *RUN, *more])


def results(output: Path) -> dict[str, Result]:
    return {one.folder: one for one in Store(output).results() if one.language != "avg"}


def test_a_completions_server_answers_as_our_model(llama: Path, server: str, tmp_path: Path) -> None:
    assert evaluate(llama, tmp_path) == 0
    given = f"base_url={server},tokenizer_backend=huggingface,batch_size=4"
    assert evaluate(llama, tmp_path, "--backend", "local-completions", "--backend-args", given) == 0
    found = results(tmp_path)
    assert set(found) == {"prompt@1shot@limit6", "prompt@local-completions@1shot@limit6"}
    ours, theirs = (Store(tmp_path).items(found[name]) for name in sorted(found, reverse=True))
    assert len(ours) == 6
    for one, other in zip(ours, theirs, strict=True):
        assert one.readings["log_likelihoods"] == pytest.approx(other.readings["log_likelihoods"], abs=1e-4)
    assert found["prompt@local-completions@1shot@limit6"].settings["backend_args"] == given


def test_a_server_that_is_gone_fails_the_job_and_is_asked_again(llama: Path, server: str, tmp_path: Path) -> None:
    rest = "tokenizer_backend=huggingface,max_retries=1"
    gone = ("--backend", "local-completions", "--backend-args", f"base_url=http://127.0.0.1:9/v1/completions,{rest}")
    assert evaluate(llama, tmp_path, *gone) == 1
    (failed,) = results(tmp_path).values()
    assert failed.status == "failed"
    assert "gave no answer" in failed.reason
    there = ("--backend", "local-completions", "--backend-args", f"base_url={server},{rest}")
    assert evaluate(llama, tmp_path, *there) == 0
    assert [one.status for one in results(tmp_path).values()] == ["scored"]


def test_what_is_not_there_is_said(llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(llama, tmp_path / "a", "--backend", "nonsense") == 1
    assert "no model 'nonsense'" in next(iter(results(tmp_path / "a").values())).reason
    assert evaluate(llama, tmp_path / "b", "--backend", "vllm") == 1
    assert "'vllm' did not start" in next(iter(results(tmp_path / "b").values())).reason
    bert = save_model(tmp_path / "bert", "bert", "masked-lm")
    assert evaluate(bert, tmp_path / "c", "--backend", "hf", "--protocol", "prompt") == 2
    assert "other backends" in capsys.readouterr().err
