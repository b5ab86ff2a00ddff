"""`--executor ray` on a real cluster of two nodes on this machine, one of them killed in the middle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from executors import children, results, start, wait_for
from kill_and_resume import files

pytest.importorskip("ray", reason="the package ray is not installed (extra `ray`)")
pytestmark = pytest.mark.ray


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head node and one more, a processor each."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    made = Cluster(initialize_head=True, head_node_args=node)
    try:
        made.add_node(**node)
        yield made
    finally:
        made.shutdown()


def test_a_node_killed_in_the_middle(cluster: Any, tiny: Path, calm: dict[str, bytes], tmp_path: Path) -> None:
    driver = start(tiny, tmp_path, "--executor", "ray", "--workers", "2", RAY_ADDRESS=cluster.address)
    (victim,) = cluster.worker_nodes
    (raylet,) = (process for name, process in victim.live_processes() if name == "raylet")
    wait_for(lambda: results(tmp_path) and at_work(raylet.pid), driver)
    there = len(results(tmp_path))
    cluster.remove_node(victim, allow_graceful=False)
    said = driver.communicate()[1]
    assert driver.returncode == 0, said
    assert there < len(results(tmp_path))
    assert files(tmp_path) == calm


def at_work(raylet: int) -> bool:
    """Whether a process of a node runs a task of ours, as its title says."""
    return any(b"ray::_task" in Path(f"/proc/{one}/cmdline").read_bytes() for one in children(raylet))
