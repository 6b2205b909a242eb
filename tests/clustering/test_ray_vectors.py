"""Sums added by Ray actors: the fit of one machine, lost workers, refusals."""

import importlib
import os
import signal
import sys
import time

import numpy as np
import pytest

from gem_core._ray import check_machines
from gem_core.clustering import MixtureConfig, MixtureFit, fit_mixture, ray_vectors, stored_vectors
from gem_core.errors import GemError, InputError

ray_vectors_module = importlib.import_module("gem_core.clustering.ray_vectors")


class Occupier:
    """An actor of another job."""


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()


@pytest.fixture
def paths(planted, tmp_path) -> list:
    x, _ = planted((900, 400, 200, 100), 16, 40.0)
    for name, rows in (("a", slice(0, 333)), ("b", slice(333, None))):
        np.save(tmp_path / f"{name}.npy", x[rows].astype(np.float16))
    return [tmp_path / "a.npy", tmp_path / "b.npy"]


def same(fit: MixtureFit, two: MixtureFit) -> None:
    # float32 logits of some 40 nats, averaged over hundreds of documents: 1e-7 nats of 5.7.
    np.testing.assert_allclose(two.trace, fit.trace, rtol=1e-6)
    np.testing.assert_allclose(two.masses, fit.masses, atol=1e-5)
    np.testing.assert_allclose(two.centers, fit.centers, atol=1e-4)


def test_fit_is_the_one_of_one_machine(cluster, paths) -> None:
    config = MixtureConfig(n_clusters=5, start="plain", tol=1e-4)  # gains far above the rounding of the trace
    w = np.random.default_rng(0).random(1600) + 0.1
    with ray_vectors(paths, workers=2) as vectors:
        fit = fit_mixture(vectors, config, weights=w)
    same(fit_mixture(stored_vectors(paths), config, weights=w), fit)
    assert cluster.is_initialized()  # a cluster that was there stays


def test_killed_workers_are_started_again(cluster, paths) -> None:
    config = MixtureConfig(n_clusters=5, start="plain", tol=1e-4)  # gains far above the rounding of the trace
    killed: list[int] = []
    with ray_vectors(paths, workers=2) as vectors:

        def kill(step: str, completed: int, total: int) -> None:
            if step == "fit" and completed in (1, 3) and len(killed) < 2:
                actor = vectors._actors[len(killed)]
                killed.append(cluster.get(actor.__ray_call__.remote(lambda self: os.getpid())))
                os.kill(killed[-1], signal.SIGKILL)

        fit = fit_mixture(vectors, config, progress=kill)
    assert len(killed) == 2
    same(fit_mixture(stored_vectors(paths), config), fit)


def test_a_worker_that_is_lost_for_good_ends_the_fit_clearly(cluster, paths) -> None:
    with ray_vectors(paths, workers=2) as vectors:

        def kill(step: str, completed: int, total: int) -> None:
            if step == "fit" and completed >= 1:
                cluster.kill(vectors._actors[0])

        with pytest.raises(GemError, match=r"A Ray worker was lost more than 3 times, or could not start"):
            fit_mixture(vectors, MixtureConfig(n_clusters=5, start="plain", tol=1e-9), progress=kill)


def test_a_lost_worker_without_a_processor_shares_one(cluster, paths, monkeypatch, caplog) -> None:
    monkeypatch.setattr(ray_vectors_module, "SAY_AFTER", 0.1)
    monkeypatch.setattr(ray_vectors_module, "PROCESSOR_WAIT", 1.0)
    config, workers = MixtureConfig(n_clusters=5, start="plain", tol=1e-4), []
    with ray_vectors(paths, workers=2) as vectors:

        def kill(step: str, completed: int, total: int) -> None:
            if step == "fit" and completed == 1 and not workers:
                cluster.kill(vectors._actors[0])
                workers.append(cluster.remote(num_cpus=1)(Occupier).remote())  # another job has the processor now
                cluster.get(workers[0].__ray_ready__.remote())

        fit = fit_mixture(vectors, config, progress=kill)
    cluster.kill(workers[0])
    assert "Waiting for a processor (1 of 2 workers)" in caplog.text
    same(fit_mixture(stored_vectors(paths), config), fit)


def test_a_machine_that_lacks_a_file_is_named(cluster, tmp_path) -> None:
    with pytest.raises(InputError, match=rf"got no {tmp_path}/none on \S+ \([\d.]+\)\. Mount that folder there"):
        check_machines(cluster, [tmp_path, tmp_path / "none"])


def test_an_address_where_nobody_listens_is_refused(paths, monkeypatch) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    began = time.monotonic()
    with pytest.raises(InputError, match=r"none at RAY_ADDRESS=127\.0\.0\.1:1"), ray_vectors(paths):
        pass
    assert time.monotonic() - began < 10


def test_bad_rows_are_refused_with_their_number(cluster, paths) -> None:
    bad = np.load(paths[1])
    bad[900] = 0
    np.save(paths[1], bad)
    with ray_vectors(paths, workers=2) as vectors, pytest.raises(InputError) as caught:
        fit_mixture(vectors, MixtureConfig(n_clusters=1))
    assert str(caught.value) == (
        "X must hold vectors with a direction; got all-zero vectors in 1 such row, the first "
        "at row 1,233. Embed those documents again or drop them."
    )


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        (0, "workers must be a whole number of at least 1; got 0. Leave it out for all processors."),
        (
            3,
            "workers must not exceed the processors of the cluster (2); got 3. Leave it out for all processors, or add "
            "machines to the cluster.",
        ),
    ],
)
def test_more_workers_than_there_can_be_are_refused(cluster, paths, workers, message) -> None:
    with pytest.raises(InputError) as caught, ray_vectors(paths, workers=workers):
        pass
    assert str(caught.value) == message


def test_without_ray_the_refusal_says_what_to_install(paths, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError) as caught, ray_vectors(paths):
        pass
    assert str(caught.value) == (
        "Fitting on several machines needs Ray; got a Python without it. Install it with: pip install "
        '"gem-explorer[ray]".'
    )
