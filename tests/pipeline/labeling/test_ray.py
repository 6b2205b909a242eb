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

from gem_core._storage import storage_path
from gem_core.corpus import ReadOptions
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
from tests.helpers.shards import folder_of_shards, hashes, jsonl, saved

pytest.importorskip("ray")
MARK = str(os.getpid())  # GEM_TEST_RAY in the environment of this cluster's processes


@pytest.fixture(scope="module")
def nodes(s3: Path) -> Iterator[Any]:
    """Two nodes with a processor each, which reach the S3 server, and a connection to them."""
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
    """Kills the first workers that are at work on something, and remembers on which nodes workers were seen.

    With `reads`, only workers that have a file of this name open.
    """

    def __init__(self, mark: str, reads: str = "", most: int = 1) -> None:
        super().__init__(daemon=True)
        self.mark, self.reads, self.most = mark, reads, most
        self.killed, self.nodes, self.over = set[int](), set[int](), threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for number in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if not Path(f"/proc/{number}/cmdline").read_bytes().startswith(self.mark.encode()):
                        continue
                    parent = int(Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[1])
                    node = Path(f"/proc/{parent}/environ").read_bytes()
                    open_files = [os.readlink(file) for file in Path(f"/proc/{number}/fd").iterdir()]
                except OSError:
                    continue
                if f"GEM_TEST_RAY={MARK}\0".encode() in node:
                    self.nodes.add(parent)
                    if len(self.killed) < self.most and any(name.endswith(self.reads) for name in open_files):
                        with suppress(ProcessLookupError):
                            os.kill(int(number), signal.SIGKILL)
                            self.killed.add(int(number))
            time.sleep(0.005)

    def __enter__(self) -> "Killer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()


def test_two_nodes_label_in_a_store_as_one_process_on_disk_also_when_a_worker_is_killed(
    nodes: Any, tmp_path: Path
) -> None:
    students, shards = saved(tmp_path / "student"), folder_of_shards(tmp_path / "in", each=400)
    (shards / "g.jsonl").write_bytes(b'{"text": "sound"}\n{"text": null}\nno JSON\n')
    (shards / "h.csv").write_text("text\nsound\n" + "word " * 1000 + "\n")
    (shards / "bad.parquet").write_bytes(b"PAR1")
    store, options = storage_path("s3://pool/ray"), ReadOptions(longest_row=3000)
    for name in ("student", "in"):
        store.fs.put(str(tmp_path / name), f"{store.path}/{name}", recursive=True)
    with pytest.raises(CorpusError) as local:
        label_folder(students, shards, tmp_path / "local", workers=1, options=options)
    with Killer("ray::label_shard_as_json") as killer, pytest.raises(CorpusError) as ray:
        label_folder(store / "student", store / "in", store / "out", engine="ray", options=options)
    assert killer.killed
    assert len(killer.nodes) == 2
    assert str(ray.value) == str(local.value)
    for folder in (store / "out", bookkeeping(store / "out")):
        store.fs.get(folder.path, str(tmp_path / folder.name), recursive=True)
    assert hashes(tmp_path / "out") == hashes(tmp_path / "local")
    assert read_totals(store / "out")["refused"] == {"broken_row": 1, "no_text": 1, "too_long": 1}


def test_a_shard_whose_worker_always_dies_is_named(nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    students, shards = saved(tmp_path / "student"), tmp_path / "in"
    shards.mkdir()
    (shards / "a.jsonl").write_bytes(jsonl(texts(20)))
    (shards / "large.jsonl").write_bytes(jsonl(texts(2000)) * 20)
    monkeypatch.setattr(RayWorkers, "RETRIES", 0)
    refusal = r"got 1 of 2 that cannot: large\.jsonl .* its worker was killed twice"
    with Killer("ray::label_shard_as_json", "large.jsonl", 2) as killer, pytest.raises(CorpusError, match=refusal):
        label_folder(students, shards, tmp_path / "out", engine="ray")
    assert len(killer.killed) == 2
    totals = read_totals(tmp_path / "out")
    assert (totals["documents"], list(totals["failed"])) == (20, ["large.jsonl"])


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
