"""Ray, when it is asked for: a running cluster, or workers of this machine for as long as they are needed."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gem_core.errors import InputError

CONNECT_TIMEOUT = 10.0  # seconds for a cluster to answer


@contextmanager
def ray_session(workers: int | None = None) -> Iterator[Any]:
    """Give the module ray, connected.

    A connection that is there already is used and left as it is. Otherwise RAY_ADDRESS names a running cluster
    ("auto": the one of this machine); without it Ray is started on this machine, with `workers` processors (all, when
    None), without its dashboard and without usage reports, and ended afterwards.

    Raises
    ------
    InputError
        If Ray is not installed or the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError:
        raise InputError(
            "--engine ray needs Ray", "a Python without it", 'Install it with: pip install "gem-explorer[ray]"'
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
    """Fail at once where nobody listens: Ray itself tries for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT).close()


def ray_cpus(ray: Any) -> int:
    """Processors that the cluster has now, at least 1."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))
