"""Vectors in files: the same sums and the same fit as in memory, in few passes, and clear refusals."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gem_core.clustering import (
    MixtureConfig,
    assign,
    assignment,
    fit_mixture,
    out_of_core,
    stored_vectors,
    vector_files,
)
from gem_core.clustering.e_step import dual_step, objective_value
from gem_core.clustering.out_of_core import FileSums, StreamedDocuments
from gem_core.clustering.prepared_documents import prepare_documents
from gem_core.clustering.seeding import seed_mixture
from gem_core.clustering.vector_files import StoredVectors
from gem_core.errors import InputError, NotConvergedWarning
from tests.helpers import reference

INF = float("inf")
SIZES = (900, 400, 200, 100, 50, 20)


@pytest.fixture
def small_blocks(monkeypatch) -> None:
    """Blocks of 64 rows, and every memory map counts as large."""
    monkeypatch.setattr(out_of_core, "ROWS", {"cpu": 64, "cuda": 64})
    monkeypatch.setattr(vector_files, "LARGE", 0)


@pytest.fixture
def corpus(planted, tmp_path) -> tuple[np.ndarray, Path]:
    """Vectors of many lengths, in float16 values, and a file of them."""
    x, _ = planted(SIZES, 24, 60.0)
    x = (x * np.random.default_rng(3).uniform(0.3, 3.0, (len(x), 1))).astype(np.float16)
    np.save(tmp_path / "x.npy", x)
    return x, tmp_path / "x.npy"


def documents(vectors: StoredVectors, weights: np.ndarray | None = None) -> StreamedDocuments:
    shard = FileSums(vectors, weights, vectors.shape[0], device="cpu")
    return StreamedDocuments(shard.statistics, vectors.shape, "cpu")


def model(k: int, d: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 20.0 * rng.standard_normal((k, d)), rng.standard_normal(k)


@pytest.mark.parametrize("rows", [1, 16, 999, 4096])
@pytest.mark.parametrize("k", [3, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_pass_is_the_slow_references_whatever_the_blocks(corpus, monkeypatch, rows, k, weighted) -> None:
    raw, path = corpus
    raw = raw[:300] if rows == 1 else raw
    np.save(path, raw)
    monkeypatch.setattr(out_of_core, "ROWS", {"cpu": rows})
    x = raw.astype(np.float64)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    w = np.random.default_rng(1).random(len(x)) + 0.1 if weighted else np.ones(len(x))
    w /= w.sum()
    slopes, offsets = model(k)
    gamma = reference.softmax(x @ slopes.T + offsets)
    passes = documents(stored_vectors(path), w if weighted else None)
    moments = passes.evaluate(slopes, offsets)
    # float32 logits of some 60 nats carry 4e-6 each.
    np.testing.assert_allclose(moments.mass, w @ gamma, rtol=2e-5, atol=1e-9)
    np.testing.assert_allclose(moments.gram, gamma.T @ (w[:, None] * gamma), rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(passes.resultants(), (w[:, None] * gamma).T @ x, rtol=1e-4, atol=1e-7)
    assert moments.log_partition == pytest.approx(w @ np.log(np.exp(x @ slopes.T + offsets).sum(axis=1)), rel=1e-6)
    assert not passes.evaluate(slopes, offsets, gram=False).gram.any()


def test_threads_change_no_bit(corpus, small_blocks) -> None:
    import torch

    _, path = corpus
    slopes, offsets = model(7)
    sums, usual = [], torch.get_num_threads()
    try:
        for count in (1, 3, 8):
            torch.set_num_threads(count)
            passes = documents(stored_vectors(path))
            sums.append((passes.evaluate(slopes, offsets).gram, passes.resultants()))
    finally:
        torch.set_num_threads(usual)
    for gram, resultants in sums[1:]:
        np.testing.assert_array_equal(gram, sums[0][0])
        np.testing.assert_array_equal(resultants, sums[0][1])


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("strength", [0.0, 1.0, 100.0, INF])
def test_fit_is_the_one_in_memory(corpus, small_blocks, kind, strength) -> None:
    raw, path = corpus
    np.save(path, raw.astype(kind))
    config = MixtureConfig(n_clusters=6, strength=strength, start="plain")
    fit = fit_mixture(np.load(path, mmap_mode="r"), config)
    memory = fit_mixture(raw.astype(kind), config)
    assert fit.objective == pytest.approx(memory.objective, rel=1e-6)
    np.testing.assert_allclose(fit.masses, memory.masses, atol=2e-3)


@pytest.mark.parametrize("strength", [0.0, 1.0, 100.0, INF])
def test_objective_never_falls_and_passes_are_few(planted, tmp_path, small_blocks, strength) -> None:
    passes = iterations = 0
    for seed in range(5):
        x, _ = planted((300, 120, 60, 30, 10), 12, 30.0, seed)
        np.save(tmp_path / "x.npy", x.astype(np.float32))
        fit = fit_mixture(
            np.load(tmp_path / "x.npy", mmap_mode="r"),
            MixtureConfig(n_clusters=6, strength=strength, seed=seed, start="plain"),
        )
        # Rounding of float32 logits near 40 nats, 2e-6 each, averaged over hundreds of documents.
        assert np.all(np.diff(fit.trace) >= -2e-6 * np.abs(fit.trace[1:])), seed
        assert fit.trace[-1] == fit.objective
        assert fit.converged
        passes, iterations = passes + fit.passes, iterations + fit.n_iter
    # At infinite strength every E-step is exact.
    assert passes <= (1.8 if strength < 100 else 5.0) * iterations


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("penalty", [0.5, 60.0, 5000.0, INF])
def test_duality_gap_bounds_what_is_left(corpus, small_blocks, penalty, seed) -> None:
    _, path = corpus
    vector_passes = documents(stored_vectors(path))
    config = MixtureConfig(n_clusters=6, start="plain", max_iter=2, seed=seed)
    with pytest.warns(NotConvergedWarning):  # the parameters are to be far from their optimum
        parameters = fit_mixture(stored_vectors(path), config).parameters()
    u = np.array([0.3, 0.25, 0.2, 0.1, 0.1, 0.05])
    passes = vector_passes.passes
    exact = dual_step(vector_passes, parameters.model(), penalty, u)
    primal = objective_value(parameters.model(), exact.mass, exact.resultants, exact.entropy, u, penalty)
    assert primal == pytest.approx(exact.objective, rel=1e-6)
    assert exact.gap <= 1e-8 * abs(exact.objective)
    if penalty == INF:
        return
    exact_passes, passes, floor = vector_passes.passes - passes, vector_passes.passes, exact.objective - 1.0
    early = dual_step(vector_passes, parameters.model(), penalty, u, floor=floor, slack=0.5)
    assert vector_passes.passes - passes < exact_passes  # an inexact step is there to save passes
    assert early.objective >= floor
    assert early.gap <= 0.5 * (early.objective - floor)
    assert exact.objective <= early.objective + early.gap + 1e-6 * abs(exact.objective)
    # The Newton step that was not taken is worth taking.
    if early.gap > 1e-4:
        assert np.abs(early.optimum - exact.bias).max() < 0.5 * np.abs(early.bias - exact.bias).max()


def test_order_rotation_and_files_change_nothing(corpus, tmp_path, small_blocks) -> None:
    raw, path = corpus
    rng = np.random.default_rng(5)
    config = MixtureConfig(n_clusters=4, strength=1.0, tol=1e-7)
    begin = fit_mixture(stored_vectors(path), MixtureConfig(n_clusters=4, max_iter=3, tol=0.1))
    w = rng.random(len(raw)) + 0.2
    fit = fit_mixture(stored_vectors(path), config, weights=w, start=begin)
    order = rng.permutation(len(raw))
    parts = [tmp_path / f"{i}.npy" for i in range(3)]
    for part, rows in zip(parts, np.split(order, [10, 700]), strict=True):
        np.save(part, raw[rows])
    shuffled = fit_mixture(stored_vectors(parts), config, weights=w[order], start=begin)
    turn = np.linalg.qr(rng.normal(size=(24, 24)))[0]
    np.save(path, (raw.astype(np.float64) @ turn).astype(np.float32))
    turned = fit_mixture(
        stored_vectors(path),
        config,
        weights=w,
        start=type(begin)(**{**begin.__dict__, "centers": begin.centers @ turn, "resultants": begin.resultants @ turn}),
    )
    for other, centers in ((shuffled, fit.centers), (turned, fit.centers @ turn)):
        assert other.objective == pytest.approx(fit.objective, rel=1e-6)
        np.testing.assert_allclose(other.masses, fit.masses, atol=1e-4)
        np.testing.assert_allclose(other.centers, centers, atol=1e-3)
    a, b = assign(stored_vectors(parts), fit), assign(raw[order], fit)
    np.testing.assert_array_equal(a.labels, b.labels)
    np.testing.assert_allclose(a.margin, b.margin, atol=1e-4)


def test_views_of_a_map_find_their_rows_and_other_maps_go_to_memory(corpus, tmp_path, small_blocks) -> None:
    raw, path = corpus
    mapped = np.load(path, mmap_mode="r")
    units = raw.astype(np.float32) / np.linalg.norm(raw.astype(np.float64), axis=1, keepdims=True)
    for view, rows in ((mapped, slice(None)), (mapped[700:], slice(700, None)), (mapped[5:][3:90], slice(8, 95))):
        large_map = vector_files.large_map(view)
        assert large_map is not None
        np.testing.assert_allclose(large_map[:], units[rows], rtol=1e-6)
        np.testing.assert_allclose(large_map[np.array([2, 50])], units[rows][[2, 50]], rtol=1e-6)
    np.save(tmp_path / "doubles.npy", raw.astype(np.float64))
    others = (
        raw,
        mapped[::2],
        mapped[:, :4],
        np.load(path, mmap_mode="c"),
        mapped.astype(np.float32),
        np.load(tmp_path / "doubles.npy", mmap_mode="r"),
    )
    assert [vector_files.large_map(other) for other in others] == [None] * len(others)
    np.save(tmp_path / "new.npy", np.zeros_like(raw))
    (tmp_path / "new.npy").replace(path)  # the map still shows the old file
    assert vector_files.large_map(mapped) is None
    assert fit_mixture(mapped, MixtureConfig(n_clusters=3, start="plain")).converged


def test_small_maps_go_to_memory(corpus) -> None:
    _, path = corpus
    assert isinstance(prepare_documents(np.load(path, mmap_mode="r"), None, 3).x, np.ndarray)
    assert prepare_documents(stored_vectors(path), None, 3).documents.passes == 0


def test_seeding_reads_the_rows_of_its_sample_only_and_starts_as_in_memory(planted, tmp_path, monkeypatch) -> None:
    x, _ = planted((9000, 1500), 6, 20.0)
    x = x.astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    share = np.full(len(x), 1.0 / len(x))
    read: list[int] = []
    usual = StoredVectors.read

    def counted(self: StoredVectors, start: int, out: np.ndarray) -> None:
        read.append(len(out))
        usual(self, start, out)

    monkeypatch.setattr(StoredVectors, "read", counted)
    options = {"concentration": "per_cluster", "cap_ratio": 10.0, "seed": 4, "start": "plain"}
    seed_mixture(stored_vectors(tmp_path / "x.npy"), share, 3, **options)
    assert sum(read) == 6000
    np.save(tmp_path / "x.npy", x[::2])
    share = np.full(len(x[::2]), 1.0 / len(x[::2]))
    seeds = [seed_mixture(v, share, 3, **options) for v in (stored_vectors(tmp_path / "x.npy"), x[::2])]
    np.testing.assert_allclose(seeds[0].parameters.centers, seeds[1].parameters.centers, atol=1e-6)


def test_memory_does_not_grow_with_the_file(tmp_path) -> None:
    code = """
import resource, sys
import numpy as np
from gem_core.clustering import MixtureConfig, assign, fit_mixture, stored_vectors
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
config = MixtureConfig(n_clusters=4, start="plain", tol=1e-3)
fit_mixture(np.random.default_rng(0).standard_normal((6000, 128)).astype(np.float32), config)
out = np.lib.format.open_memmap(sys.argv[1], mode="w+", dtype=np.float16, shape=(400_000, 128))
for start in range(0, 400_000, 20_000):
    out[start:start + 20_000] = np.random.default_rng(start).standard_normal((20_000, 128)) + 0.3
del out
before = peak()
X = stored_vectors(sys.argv[1])
assign(X, fit_mixture(X, config))
print(peak() - before)
"""
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.npy")], capture_output=True, text=True, check=True
    )
    # The file is 98 MB and its float32 copy 195 MB, on top of the 98 MB that writing left mapped. Weights, lengths,
    # sums of squares and six arrays of labels are 52 bytes per document, 20 MB.
    assert float(out.stdout) < 60


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            0.0,
            "X must hold vectors with a direction; got all-zero vectors in 1 such row, the first at row 1,234. Embed "
            "those documents again or drop them.",
        ),
        (
            np.nan,
            "X must hold finite numbers; got NaN or infinity in 1 such row, the first at row 1,234. Embed those "
            "documents again or drop them.",
        ),
        (
            np.inf,
            "X must hold finite numbers; got NaN or infinity in 1 such row, the first at row 1,234. Embed those "
            "documents again or drop them.",
        ),
    ],
)
def test_bad_rows_are_refused_with_their_number(corpus, tmp_path, small_blocks, monkeypatch, bad, message) -> None:
    monkeypatch.setattr(assignment, "BLOCK_VALUES", 1)  # 256 rows
    raw, path = corpus
    fit = fit_mixture(stored_vectors(path), MixtureConfig(n_clusters=2, start="plain"))
    raw[1234] = bad
    np.save(path, raw[:600])
    np.save(tmp_path / "rest.npy", raw[600:])
    vectors = stored_vectors([path, tmp_path / "rest.npy"])
    for call in (lambda: fit_mixture(vectors, MixtureConfig(n_clusters=2)), lambda: assign(vectors, fit)):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == message
    assert str(pickle.loads(pickle.dumps(caught.value))) == message


def test_lengths_that_float32_cannot_work_with_are_refused(tmp_path) -> None:
    x = np.eye(3, dtype=np.float32)
    x[1] *= 1e-35
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(
        InputError,
        match=r"lengths that float32 can work with, 1e-30 to 1e30; got 1 such row, the "
        r"first at row 1\. Divide the vectors by their lengths first",
    ):
        fit_mixture(stored_vectors(tmp_path / "x.npy"), MixtureConfig(n_clusters=1))


def test_one_direction_and_too_few_rows_are_refused(tmp_path) -> None:
    np.save(tmp_path / "x.npy", np.ones((9000, 4), dtype=np.float32))
    for k, message in (
        (2, "two different directions to form clusters; got 9,000 vectors that are all the same"),
        (9001, r"the number of documents \(n_samples = 9000\); got 9001"),
    ):
        with pytest.raises(InputError, match=message):
            fit_mixture(stored_vectors(tmp_path / "x.npy"), MixtureConfig(n_clusters=k))


def test_bad_files_are_refused(corpus, tmp_path) -> None:
    raw, path = corpus
    whole = path.read_bytes()
    (tmp_path / "short.npy").write_bytes(whole[:-100])
    (tmp_path / "text.npy").write_text("not numbers")
    np.save(tmp_path / "doubles.npy", raw.astype(np.float64))
    np.save(tmp_path / "narrow.npy", raw[:, :5])
    for names, message in (
        (
            "short.npy",
            f"A file of vectors must be whole; got {tmp_path}/short.npy, 100 bytes short of its 1,670 "
            "rows. Copy or embed it again.",
        ),
        (
            "none.npy",
            f"A file of vectors must be there and readable; got {tmp_path}/none.npy: No such file or "
            "directory. Check the path.",
        ),
        (
            "text.npy",
            f"A file of vectors must be a .npy file; got {tmp_path}/text.npy. Save a table of float16 or "
            "float32 vectors with numpy.save.",
        ),
        (
            "doubles.npy",
            "A file of vectors must hold a table of float16 or float32, row after row; got float64 of "
            f"shape (1670, 24) in {tmp_path}/doubles.npy. Save a table of float16 or float32 vectors "
            "with numpy.save.",
        ),
        (
            "x.npy narrow.npy",
            "All files of vectors must have one type and number of columns; got float16 with 5 "
            f"columns in {tmp_path}/narrow.npy, float16 with 24 in {tmp_path}/x.npy. Convert "
            "them to one type, of one encoder.",
        ),
        ("", "There must be at least one file of vectors; got none. Pass the path of a .npy file."),
    ):
        with pytest.raises(InputError) as caught:
            stored_vectors([tmp_path / name for name in names.split()])
        assert str(caught.value) == message


@pytest.mark.parametrize("size", [10_000, None])
def test_a_file_cut_short_or_written_anew_while_it_is_read_is_refused(corpus, size) -> None:
    _, path = corpus
    vectors = stored_vectors(path)
    if size is None:
        os.utime(path, ns=(0, 1_000))  # the same size, written at another time
    else:
        os.truncate(path, size)
    with pytest.raises(InputError) as caught:
        fit_mixture(vectors, MixtureConfig(n_clusters=2))
    assert str(caught.value) == (
        "A file of vectors must stay as it is while it is being read; got another size or "
        f"time of change of {path}. Let it be written, then start again."
    )
