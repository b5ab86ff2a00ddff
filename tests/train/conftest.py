"""The tiny problem as a fixture: it is also a program that torchrun starts, hence a file of its own."""

import importlib.util
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads of a tiny model mostly wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny():
    """The module `tiny_problem`."""
    spec = importlib.util.spec_from_file_location("tiny_problem", Path(__file__).with_name("tiny_problem.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
