"""Execution engines of labeling: processes of this machine, or Ray workers."""

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from gem_core.errors import Cancelled, CorpusError, InputError, WorkspaceError
from gem_core.pipeline.labeling.completion_markers import Marker, bookkeeping
from gem_core.pipeline.labeling.label_shard import LabelingJob, label_shard
from gem_core.pipeline.labeling.shard_files import InputShard, list_first

if TYPE_CHECKING:
    from gem_core.student import Student

Engine = Literal["local", "ray"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
TICK = 0.5  # seconds between two looks at the work


@dataclass(frozen=True)
class StudentFolder:
    """Where workers find the student, and its hash: all must load the same."""

    path: Path
    hash: str


@dataclass(frozen=True)
class ShardResult:
    """A shard that a worker has ended: with its marker, or with the reason why it could not be read."""

    shard: InputShard
    marker: Marker | None
    failed: str = ""


class WorkerDied(Exception):
    """A worker ended without an answer: it was killed, by a person or for lack of memory."""


class Workers(Protocol):
    """Processes that label one shard each at a time."""

    count: int

    def start(self, shard: InputShard) -> Any:
        """Submit a shard to a worker and return the handle of its result."""

    def start_elsewhere(self, shard: InputShard, machine: str) -> Any | None:
        """Submit a shard that a machine could not read to another machine; None where there is no other."""

    def ended(self, waiting: Sequence[Any]) -> list[Any]:
        """Return those that have ended, after at most `TICK` seconds."""

    def answer(self, ticket: Any) -> str:
        """Return what `work` gave.

        Raises
        ------
        WorkerDied
        """

    def stop(self) -> None:
        """End the workers; a shard at work leaves nothing behind."""


def label_shard_as_json(student: StudentFolder, shard: InputShard, job: LabelingJob, stop: Any = None) -> str:
    """Label one shard in a worker; the answer is JSON, so that every engine can carry it."""

    def alive() -> None:
        if stop is not None and stop.is_set():
            raise Cancelled

    try:
        return json.dumps({"marker": label_shard(_student(student), shard, job, alive).to_json()})
    except CorpusError as error:
        return json.dumps({"failed": f"{error.expected}: {error.got}", "machine": _ray_node()})
    except InputError as error:
        kind = "WorkspaceError" if isinstance(error, WorkspaceError) else "InputError"
        return json.dumps({"stop": [kind, error.expected, error.got, error.hint]})


def _ray_node() -> str:
    """Return the id of the Ray node that this process works on, empty in a process of the local engine."""
    ray = sys.modules.get("ray")
    return str(ray.get_runtime_context().get_node_id()) if ray is not None and ray.is_initialized() else ""


@lru_cache(maxsize=1)
def _student(folder: StudentFolder) -> "Student":
    from gem_core.student import load_student

    student = load_student(folder.path)
    if student.hash != folder.hash:
        raise InputError(
            "The student must stay the same while shards are labeled",
            f"another one at {folder.path}",
            "Put the first one back and go on with --resume",
        )
    return student


def label_shards(workers: Workers, shards: Sequence[InputShard], strict: bool = False) -> Iterator[ShardResult | None]:
    """Have every shard labeled, the large ones first; yields what has ended, and None every `TICK` seconds.

    A shard at work when a worker died is labeled again, with no other beside it, after all others; where its worker
    dies then too, it is given up. A shard that one machine cannot read is given to another before it counts as failed.

    Raises
    ------
    InputError
        What a worker met that ends the work: a bad row or the death of a worker when strict, a full disk.
    """
    queue = deque(sorted(shards, key=lambda shard: (-shard.source.size, shard.name)))
    waiting: dict[Any, InputShard] = {}
    suspects: deque[InputShard] = deque()
    retried, read_twice = set[str](), set[str]()
    while queue or waiting or suspects:
        if not queue and not waiting:
            queue.append(suspects.popleft())
            retried.add(queue[0].name)
        while queue and len(waiting) < workers.count:
            shard = queue.popleft()
            waiting[workers.start(shard)] = shard
        for handle in workers.ended(list(waiting)):
            shard = waiting.pop(handle)
            try:
                answer = workers.answer(handle)
            except WorkerDied:
                if strict:
                    raise _death_error([shard.name, *(other.name for other in waiting.values())]) from None
                if shard.name not in retried:
                    suspects.append(shard)
                    continue
                answer = json.dumps({"failed": f"{shard.name} must fit one worker: its worker was killed twice"})
            facts = json.loads(answer)
            if "failed" in facts and shard.name not in read_twice:
                read_twice.add(shard.name)
                second = workers.start_elsewhere(shard, facts.get("machine", ""))
                if second is not None:
                    waiting[second] = shard
                    continue
            yield _read_answer(shard, facts)
        yield None


def _read_answer(shard: InputShard, facts: dict[str, Any]) -> ShardResult:
    if "stop" in facts:
        kind, *words = facts["stop"]
        raise (WorkspaceError if kind == "WorkspaceError" else InputError)(*words)
    return ShardResult(shard, Marker.from_json(facts["marker"]) if "marker" in facts else None, facts.get("failed", ""))


class LocalWorkers:
    """Processes of this machine, each with the student loaded once."""

    def __init__(self, student: StudentFolder, job: LabelingJob, count: int) -> None:
        self.count = count
        self._student, self._job = student, job
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks
        self._context, self._stop = context, context.Event()
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.count, self._context, _begin, (self._stop,))

    def start(self, shard: InputShard) -> "Future[str]":
        """Give a shard to a process; the death of one ends all, so new ones are started then."""
        try:
            return self._pool.submit(_local_work, self._student, shard, self._job)
        except BrokenProcessPool:
            self._pool = self._new_pool()
            return self._pool.submit(_local_work, self._student, shard, self._job)

    def start_elsewhere(self, shard: InputShard, machine: str) -> None:
        """Return None: this machine is the only one."""

    def ended(self, waiting: Sequence["Future[str]"]) -> list["Future[str]"]:
        """Return the futures that are done."""
        return list(wait(waiting, TICK, FIRST_COMPLETED).done)

    def answer(self, ticket: "Future[str]") -> str:
        """Return what `work` gave."""
        try:
            return ticket.result()
        except BrokenProcessPool:
            raise WorkerDied from None

    def stop(self) -> None:
        """Let the processes end after their batch."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _death_error(names: list[str]) -> InputError:
    return InputError(
        "With --strict every worker must live until its shard is written",
        f"one that was killed (for want of memory?) while at work on {list_first(sorted(names))}",
        "Go on with the same command and --resume, with fewer --workers if memory was short",
    )


_stop: Any = None


def _begin(stop: Any) -> None:
    """Prepare a worker process: interrupts are its parent's business, and it does not outlive it."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def outlived() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=outlived, daemon=True).start()


def _local_work(student: StudentFolder, shard: InputShard, job: LabelingJob) -> str:
    return label_shard_as_json(student, shard, job, _stop)


class RayWorkers:
    """Ray's worker processes; a shard whose worker or machine is lost is given to another.

    Every machine must see the student and the two folders under the same paths.
    """

    RETRIES = 3

    def __init__(
        self, student: StudentFolder, job: LabelingJob, count: int | None, inputs: Sequence[Path] = ()
    ) -> None:
        from gem_core._ray import check_machines, ray_cpus, ray_session

        self._connection = ray_session(count)
        self._ray = self._connection.__enter__()
        try:
            check_machines(self._ray, (student.path, bookkeeping(job.out), *inputs))
        except InputError:
            self._connection.__exit__(None, None, None)
            raise
        # One in reserve each, so that no worker waits for the next shard.
        self.count = count or 2 * ray_cpus(self._ray)
        self._student, self._job = student, job
        self._work = self._ray.remote(num_cpus=1, max_retries=self.RETRIES)(label_shard_as_json)
        self._at_work: set[Any] = set()

    def start(self, shard: InputShard) -> Any:
        """Give a shard to Ray."""
        return self._submit(self._work, shard)

    def start_elsewhere(self, shard: InputShard, machine: str) -> Any | None:
        """Give a shard to another living machine, the one with most processors."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        others = [node for node in self._ray.nodes() if node["Alive"] and node["NodeID"] != machine]
        others = [node for node in others if node["Resources"].get("CPU", 0) >= 1]
        if not machine or not others:
            return None
        other = max(others, key=lambda node: node["Resources"]["CPU"])
        strategy = NodeAffinitySchedulingStrategy(other["NodeID"], soft=True)
        return self._submit(self._work.options(scheduling_strategy=strategy), shard)

    def _submit(self, work: Any, shard: InputShard) -> Any:
        handle = work.remote(self._student, shard, self._job)
        self._at_work.add(handle)
        return handle

    def ended(self, waiting: Sequence[Any]) -> list[Any]:
        """Return the references that are ready."""
        return list(self._ray.wait(list(waiting), num_returns=1, timeout=TICK)[0])

    def answer(self, ticket: Any) -> str:
        """Return what `work` gave."""
        self._at_work.discard(ticket)
        try:
            return str(self._ray.get(ticket))
        except self._ray.exceptions.RayTaskError:
            raise
        except self._ray.exceptions.RayError as error:
            raise WorkerDied from error

    def stop(self) -> None:
        """End what is at work and let go of Ray."""
        for handle in self._at_work:
            self._ray.cancel(handle, force=True)
        self._connection.__exit__(None, None, None)
