"""Ray, when it is asked for: a running cluster, or workers of this machine for as long as they are needed."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gem_core._storage import storage_path
from gem_core._version import __version__
from gem_core.errors import InputError

CONNECT_TIMEOUT = 10.0  # seconds for a cluster to answer
PROBE_TIMEOUT = 120.0  # seconds for a machine to start a worker and load the package


@contextmanager
def ray_session(workers: int | None = None, purpose: str = "--engine ray") -> Iterator[Any]:
    """Give the module ray, connected.

    A connection that is there already is used and left as it is. Otherwise RAY_ADDRESS names a running cluster
    ("auto": the one of this machine); without it Ray is started on this machine, with `workers` processors (all, when
    None), without its dashboard and without usage reports, and ended afterwards. `purpose` words what needs Ray.

    Raises
    ------
    InputError
        If Ray is not installed or the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError:
        raise InputError(
            f"{purpose} needs Ray", "a Python without it", 'Install it with: pip install "gem-explorer[ray]"'
        ) from None
    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS")
    quiet: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    try:
        if address:
            _check_ray_address(address)
            ray.init(address=address, **quiet)
        else:
            os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
            ray.init("local", num_cpus=workers, include_dashboard=False, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        where = f"at RAY_ADDRESS={address}" if address else "on this machine"
        raise InputError(
            "Ray must be there to work on",
            f"none {where}: {str(error).splitlines()[0][:120]}",
            "Start it with: ray start --head, or leave RAY_ADDRESS out",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_ray_address(address: str) -> None:
    """Fail at once where nothing listens: Ray itself tries for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT).close()


def check_machines(ray: Any, paths: Sequence[Path] = ()) -> None:
    """Ask every machine of the cluster once, before the work, for this version of the package and for the paths.

    Raises
    ------
    InputError
        Naming the first machine that lacks something.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask = ray.remote(num_cpus=0, max_retries=0)(_describe_machine)
    machines = [node for node in ray.nodes() if node["Alive"]]
    answers = [
        ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
            [str(path) for path in paths]
        )
        for node in machines
    ]
    for node, answer in zip(machines, answers, strict=True):
        host = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        try:
            version, missing = ray.get(answer, timeout=PROBE_TIMEOUT)
        except ray.exceptions.GetTimeoutError:
            raise _machine_error(host, f"no answer in {PROBE_TIMEOUT:.0f} s", "Look at that machine") from None
        except ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise _machine_error(
                host, f"a Python that cannot load gem_core: {lines[-1][:120]}", "Install gem-explorer[ray] there"
            ) from error
        if version != __version__:
            raise _machine_error(host, f"gem-explorer {version}", f"Install version {__version__} there")
        if missing:
            raise _machine_error(host, f"no {missing[0]}", "Mount that folder there, or use a store such as s3://")


def _machine_error(host: str, got: str, hint: str) -> InputError:
    return InputError(
        f"Every machine of the Ray cluster must have gem-explorer {__version__} and reach the data",
        f"{got} on {host}",
        f"{hint}, or take that machine out of the cluster",
    )


def _describe_machine(paths: list[str]) -> tuple[str, list[str]]:
    """Return the version of this package on a machine, and the paths that are not there."""
    missing = []
    for path in paths:
        try:
            present = storage_path(path).exists()
        except Exception:  # Whatever a store's client raises, the machine cannot reach the path.
            present = False
        if not present:
            missing.append(path)
    return __version__, missing


def ray_cpus(ray: Any) -> int:
    """Processors that the cluster has now, at least 1."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))
