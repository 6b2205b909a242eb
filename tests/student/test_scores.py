"""A document scores the same whatever it is scored with; integers stay close to the numbers they round."""

import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gem_core.student import Student

WORDS = ["bread", "Oven", "café", "日本", "proof", "🚀", "kernel", "x1", "don't", "flour."]


@pytest.fixture(scope="module", params=[1, 3, 32, 33, 70])
def student(request: pytest.FixtureRequest) -> Student:
    rng = np.random.default_rng(request.param)
    weights = rng.integers(-32767, 32768, (2048, request.param)).astype(np.int16)
    return Student(weights, 3e-4, rng.normal(0, 0.5, request.param), temperature=0.7, token_rates=(1.1, 0.05))


@pytest.fixture(scope="module")
def texts() -> pa.Array:
    """Short, long, empty and absent documents, so that groups of rows end inside documents."""
    rng = np.random.default_rng(5)
    lengths = np.concatenate((rng.integers(0, 30, 300), [9000, 0, 2500, 63, 64, 65, 128], rng.integers(0, 400, 80)))
    documents = [" ".join(rng.choice(WORDS, n)) for n in lengths]
    return pa.array([None if i % 17 == 3 else text for i, text in enumerate(documents)])


def same(a: Student, x: pa.Array | pa.ChunkedArray, rows: np.ndarray, whole: dict[str, np.ndarray]) -> None:
    for name, array in vars(a.score(x)).items():
        np.testing.assert_array_equal(array, whole[name][rows])


def test_batch_order_and_chunks_change_nothing(student: Student, texts: pa.Array) -> None:
    whole, n = vars(student.score(texts)), len(texts)
    rng = np.random.default_rng(1)
    order = rng.permutation(n)
    same(student, texts.take(pa.array(order)), order, whole)
    cuts = [0, 1, 1, 120, 299, 302, n]
    same(student, pa.chunked_array([texts[a:b] for a, b in pairwise(cuts)]), np.arange(n), whole)
    for i in (0, 3, 300, 302, 305):
        same(student, texts[i : i + 1], np.array([i]), whole)


def test_another_process_scores_the_same(student: Student, texts: pa.Array) -> None:
    student.warm_up()
    again = pickle.loads(pickle.dumps(student))  # as a pool of processes hands it over
    assert again.hash == student.hash
    same(again, texts, np.arange(len(texts)), vars(student.score(texts)))


def test_labels_follow_from_the_evidence(student: Student, texts: pa.Array) -> None:
    scores, k = student.score(texts), len(student.numbers)
    logits = student.evidence(texts) / student.temperature + student.bias
    order = np.argsort(-logits, axis=1, kind="stable")
    np.testing.assert_array_equal(scores.cluster, order[:, 0])
    np.testing.assert_array_equal(scores.second, order[:, min(1, k - 1)])
    ranked = np.take_along_axis(logits, order, axis=1)
    expected = ranked[:, 0] - ranked[:, 1] if k > 1 else np.full(len(texts), np.inf)
    np.testing.assert_allclose(scores.margin, expected, rtol=1e-5, atol=1e-5)
    sizes = np.array([0 if text is None else len(text.encode()) for text in texts.to_pylist()])
    np.testing.assert_array_equal(scores.tokens, np.rint(1.1 * scores.words + 0.05 * sizes))


def test_equal_scores_go_to_the_lower_cluster() -> None:
    scores = Student(np.zeros((1024, 4), np.int16), 1.0, np.array([0.0, 1.0, 1.0, 1.0])).score(pa.array(["a b"]))
    assert (scores.cluster[0], scores.second[0], scores.margin[0]) == (1, 2, 0)


def test_results_are_read_only(student: Student) -> None:
    with pytest.raises(ValueError, match="read-only"):
        student.score(pa.array(["a"])).cluster[0] = 1


def test_without_a_folder_for_machine_code_it_is_compiled_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from gem_core import _machine_code

    def refuses(*, cache: bool = False, **options: bool) -> Callable[[Any], Any]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    njit = _machine_code.njit
    monkeypatch.setattr(_machine_code, "njit", refuses)
    assert _machine_code.compiled()(lambda x: x + 1)(2) == 3
