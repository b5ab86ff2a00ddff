"""`--executor ray` on a real cluster of two nodes on this machine, one of them killed in the middle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from executors import make_model, results, run_to_the_end, start, wait_for
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


def test_a_node_killed_in_the_middle(cluster: Any, tmp_path: Path) -> None:
    model, output = make_model(tmp_path / "tiny"), tmp_path / "ray"
    calm = run_to_the_end(model, tmp_path / "local")
    ray = ("--executor", "ray", "--workers", "2")
    driver = start(model, output, *ray, RAY_ADDRESS=cluster.address)
    wait_for(lambda: results(output), driver)
    there = len(results(output))
    cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
    said = driver.communicate()[1]
    assert driver.returncode == 0, said
    assert there < len(results(output))
    assert files(output) == calm
