"""Ray: a cluster of two nodes gives the same bytes and vectors as this process, also when a worker is killed."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gem_core.embedding import embed
from gem_core.errors import CorpusError, InputError
from gem_core.pipeline.building.embed_on_ray import RayEmbedders, ray_engine
from gem_core.pipeline.labeling import label_folder as label_folder_module
from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.labeling.engines import RayWorkers, StudentFolder, label_shards
from gem_core.pipeline.labeling.label_folder import label_folder
from gem_core.pipeline.labeling.label_shard import LabelingJob
from gem_core.pipeline.labeling.shard_files import list_shards, shards_of
from gem_core.pipeline.labeling.totals import read_totals
from gem_core.student import load_student
from tests.helpers.cli_process import texts
from tests.helpers.shards import folder_of_shards, hashes, saved

pytest.importorskip("ray")
MARK = str(os.getpid())  # GEM_TEST_RAY in the environment of this cluster's processes


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Two nodes with a processor each, and a connection to them."""
    import ray
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20}
    with pytest.MonkeyPatch.context() as patch:  # what later tests start does not carry the mark
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("GEM_TEST_RAY", MARK)
        cluster = Cluster(initialize_head=True, head_node_args=small)
        try:
            cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
            ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


class Killer(threading.Thread):
    """Kills the first worker that is at work on something, and remembers on which nodes workers were seen."""

    def __init__(self, mark: str) -> None:
        super().__init__(daemon=True)
        self.mark, self.killed, self.nodes, self.over = mark, 0, set[int](), threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for number in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if not Path(f"/proc/{number}/cmdline").read_bytes().startswith(self.mark.encode()):
                        continue
                    parent = int(Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[1])
                    node = Path(f"/proc/{parent}/environ").read_bytes()
                except OSError:
                    continue
                if f"GEM_TEST_RAY={MARK}\0".encode() in node:
                    self.nodes.add(parent)
                    if not self.killed:
                        with suppress(ProcessLookupError):
                            os.kill(int(number), signal.SIGKILL)
                            self.killed = int(number)
            time.sleep(0.005)

    def __enter__(self) -> "Killer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()


def test_two_nodes_label_as_one_process_does_also_when_a_worker_is_killed(nodes: Any, tmp_path: Path) -> None:
    students, shards = saved(tmp_path / "student"), folder_of_shards(tmp_path / "in", each=400)
    (shards / "g.jsonl").write_bytes(b'{"text": "sound"}\n{"text": null}\nno JSON\n')
    (shards / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorpusError) as local:
        label_folder(students, shards, tmp_path / "local", workers=1)
    with Killer("ray::label_shard_as_json") as killer, pytest.raises(CorpusError) as ray:
        label_folder(students, shards, tmp_path / "ray", engine="ray")
    assert killer.killed
    assert len(killer.nodes) == 2
    assert str(ray.value) == str(local.value)
    assert hashes(tmp_path / "ray") == hashes(tmp_path / "local")
    assert read_totals(tmp_path / "ray")["refused"] == {"broken_row": 1, "no_text": 1}


def test_what_ends_the_work_ends_it_on_ray(nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    students, shards = saved(tmp_path / "student"), folder_of_shards(tmp_path / "in")
    (shards / "c.jsonl").write_bytes(b"no JSON\n")
    monkeypatch.setattr(label_folder_module, "TOLD_SECONDS", 0.0)
    with pytest.raises(InputError, match=r"With --strict every row must be .*; got row 0 of c\.jsonl: "):
        label_folder(students, shards, tmp_path / "out", engine="ray", strict=True)
    assert not (bookkeeping(tmp_path / "out") / "totals.json").exists()


def test_vectors_of_actors_are_those_of_this_process(nodes: Any, tmp_path: Path) -> None:
    some = texts(300, words=8)
    with Killer("ray::_Holder.rows") as killer:
        ray_vectors = embed(some, cache=tmp_path / "ray", batch=32, engine=ray_engine(2))
    assert killer.killed
    local_vectors = embed(some, cache=tmp_path / "here", batch=32)
    assert np.abs(np.asarray(ray_vectors) - np.asarray(local_vectors)).max() < 1e-6
    assert sorted(p.name for p in (tmp_path / "ray").iterdir()) == sorted(p.name for p in (tmp_path / "here").iterdir())


def test_what_an_actor_refuses_is_said_here(nodes: Any) -> None:
    import ray

    class Refuses:
        def dimension(self) -> int:
            raise CorpusError("the encoder must load", "one that does not", "Check the folder")

    with pytest.raises(CorpusError) as refused:
        RayEmbedders(ray, [ray.remote(Refuses).remote()])
    assert str(refused.value) == "the encoder must load; got one that does not. Check the folder."


def test_a_shard_that_one_machine_cannot_read_is_tried_on_another(nodes: Any, tmp_path: Path) -> None:
    student, shards = load_student(saved(tmp_path / "student")), folder_of_shards(tmp_path / "in", each=4)
    (shards / "bad.parquet").write_bytes(b"PAR1")
    bad = [shard for shard in shards_of(list_shards(shards)) if shard.name == "bad.parquet"]
    machines: list[str] = []

    class Recorded(RayWorkers):
        def answer(self, ticket: Any) -> str:
            machines.append(json.loads(super().answer(ticket))["machine"])
            return super().answer(ticket)

    job = LabelingJob(tmp_path / "out", "text", False)
    bookkeeping(job.out).mkdir(parents=True)
    workers = Recorded(StudentFolder(tmp_path / "student", student.hash), job, 2)
    try:
        results = [result for result in label_shards(workers, bad) if result is not None]
    finally:
        workers.stop()
    assert [result.marker for result in results] == [None]
    assert len(machines) == 2
    assert len(set(machines)) == 2
