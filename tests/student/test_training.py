"""Training finds what was planted; calibration makes the masses the teacher's."""

import numpy as np
import pyarrow as pa
import pytest

from gem_core._types import silent
from gem_core.errors import InputError
from gem_core.student import Student, StudentConfig, calibrate_student, train_student
from gem_core.student import training as room
from gem_core.student.arrow_buffers import text_blocks
from gem_core.student.token_estimate import fit_token_rates
from tests.student.slow_words import rows

K = 5
SMALL = StudentConfig(buckets=1 << 14)


def planted(n: int, seed: int, shares: np.ndarray | None = None, mix: float = 0.25) -> tuple[pa.Array, np.ndarray]:
    """Documents of 40 words: of their cluster's 60 words with chance `mix`, else of 300 common words."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(K, n, p=shares)
    own = rng.random((n, 40)) < mix
    words = np.where(own, 1000 * (labels[:, None] + 1) + rng.integers(0, 60, (n, 40)), rng.integers(0, 300, (n, 40)))
    return pa.array([" ".join(f"w{w}" for w in row) for row in words.tolist()]), labels


def test_a_planted_model_is_recovered() -> None:
    texts, labels = planted(2000, 0)
    fresh, truth = planted(1000, 1)
    student = train_student(texts, labels, K, config=SMALL)
    assert (student.score(fresh).cluster == truth).mean() > 0.98
    assert student.settings["buckets"] == 1 << 14


def test_pairs_of_words_are_learned() -> None:
    """Which word comes first is all that tells these clusters apart."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 600)
    fill = rng.integers(0, 50, (600, 6))
    texts = pa.array(
        [
            " ".join([*(f"x{w}" for w in row), *(("red", "blue") if y else ("blue", "red"))])
            for y, row in zip(labels, fill.tolist(), strict=True)
        ]
    )
    student = train_student(texts[:400], labels[:400], 2, config=SMALL)
    assert (student.score(texts[400:]).cluster == labels[400:]).mean() > 0.97


def test_the_same_seed_gives_the_same_student() -> None:
    texts, labels = planted(500, 0)
    first = train_student(texts, labels, K, config=SMALL)
    assert train_student(texts, labels, K, config=SMALL).hash == first.hash
    other = train_student(texts, labels, K, config=StudentConfig(buckets=1 << 14, seed=1))
    assert other.hash != first.hash


def test_chunks_do_not_matter_when_documents_come_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a group of documents rows of one chunk go first, so equality needs groups of one."""
    texts, labels = planted(300, 0)
    monkeypatch.setattr(room, "GROUP", 1)
    whole = train_student(texts, labels, K, config=SMALL)
    cut = pa.chunked_array([texts[:10], texts[10:10], texts[10:170], texts[170:]])
    assert train_student(cut, labels, K, config=SMALL).hash == whole.hash


def test_integers_are_close_to_the_numbers_they_round() -> None:
    """Every weight moves by half a step at most, so evidence moves by half a step times the root of the features."""
    texts, labels = planted(400, 0)
    student = train_student(texts, labels, K, config=SMALL)
    assert int(np.abs(student.weights.astype(int)).max()) == 32767
    blocks = list(text_blocks(texts))
    value = room._values(blocks, SMALL.buckets, silent)
    learned, _ = room._learn(blocks, room._check_training_data(texts, labels, K, None, None, 1.0), value, SMALL, silent)
    features = [rows(text.encode(), SMALL.buckets) for text in texts[:50].to_pylist()]
    exact = np.stack([(learned[r].astype(float) * value[r, None]).sum(axis=0) / np.sqrt(len(r)) for r in features])
    most = 0.5 * student.scale * np.sqrt(2 * 40 - 1)
    assert most < 0.02  # nats
    assert 0 < np.abs(student.evidence(texts[:50]) - exact).max() < 1.001 * most


def test_weight_zero_leaves_a_document_out() -> None:
    texts, labels = planted(400, 0)
    wrong = labels.copy()
    wrong[200:] = (wrong[200:] + 1) % K
    weights = np.where(np.arange(400) < 200, 3.0, 0.0)
    a = train_student(texts, wrong, K, weights=weights, config=SMALL)
    b = train_student(texts, labels, K, weights=weights / 3, config=SMALL)
    assert a.hash == b.hash


def test_soft_targets_that_are_hard_teach_the_same() -> None:
    texts, labels = planted(300, 0)
    hard = train_student(texts, labels, K, config=SMALL)
    soft = train_student(texts, np.zeros(300, int), K, soft=np.eye(K)[labels], config=SMALL)
    np.testing.assert_array_equal(soft.weights, hard.weights)


def test_soft_targets_are_met() -> None:
    """Two words, each with its own shares: the student's probabilities become these."""
    shares = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    which = np.arange(600) % 2
    texts = pa.array([("one", "two")[i] for i in which])
    student = train_student(
        texts, which, 3, soft=shares[which], config=StudentConfig(buckets=1 << 14, epochs=30, softness=1)
    )
    logits = student.evidence(pa.array(["one", "two"])) + student.bias
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, shares, atol=0.02)


def test_softness_is_a_root() -> None:
    texts, labels = planted(200, 0)
    shares = np.random.default_rng(1).dirichlet(np.full(K, 0.3), 200)
    rooted = np.sqrt(shares) / np.sqrt(shares).sum(axis=1, keepdims=True)
    a = train_student(texts, labels, K, soft=shares, config=StudentConfig(buckets=1 << 14, softness=2))
    b = train_student(texts, labels, K, soft=rooted, config=StudentConfig(buckets=1 << 14, softness=1))
    np.testing.assert_allclose(a.evidence(texts), b.evidence(texts), atol=0.01)


def test_calibration_brings_the_masses_to_the_teachers() -> None:
    texts, labels = planted(1500, 0, mix=0.06)  # taught on equal shares
    uneven = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
    calibration, truth = planted(3000, 1, uneven, mix=0.06)
    fresh, unseen = planted(3000, 2, uneven, mix=0.06)
    student = train_student(texts, labels, K, config=SMALL)
    ready = calibrate_student(student, calibration, truth)

    def shares(model: Student, x: pa.Array) -> np.ndarray:
        logits = model.evidence(x) / model.temperature + model.bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def loss(temperature: Student) -> float:
        return float(-np.log(shares(temperature, fresh)[np.arange(3000), unseen]).mean())

    expected_masses = np.bincount(truth, minlength=K) / 3000
    np.testing.assert_allclose(
        shares(ready, calibration).mean(axis=0), expected_masses, atol=2e-3
    )  # what the minimum says
    assert np.abs(shares(student, fresh).mean(axis=0) - uneven).sum() > 0.2
    assert np.abs(shares(ready, fresh).mean(axis=0) - uneven).sum() < 0.05
    assert loss(ready) < loss(student)
    assert ready.weights is student.weights
    assert abs(ready.bias.mean()) < 1e-9


def test_a_cluster_unseen_in_calibration_keeps_a_finite_bias() -> None:
    texts, labels = planted(300, 0)
    keep = labels != 4
    ready = calibrate_student(train_student(texts, labels, K, config=SMALL), texts.filter(pa.array(keep)), labels[keep])
    assert np.all(np.isfinite(ready.bias))
    assert 0 < ready.temperature < np.inf


def test_token_rates() -> None:
    rng = np.random.default_rng(0)
    words, size = rng.integers(1, 500, 400), rng.integers(1, 3000, 400)
    assert fit_token_rates(words, size, 1.25 * words + 0.03 * size) == (1.25, 0.03)
    assert fit_token_rates(words, size, 0.3 * size - 0.01 * words)[0] == 0  # no rate below 0
    texts, labels = planted(200, 0)
    counts = np.full(200, 52)
    student = train_student(texts, labels, K, tokens=counts, config=SMALL)
    assert abs(student.score(texts).tokens.sum() / counts.sum() - 1) < 0.01


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"labels": [0, 1]}, "labels must hold one cluster a text (3); got shape (2,). Pass as many labels as texts."),
        ({"labels": [0, 1, 2]}, "labels must be from 0 to 1; got 0 to 2. Number the clusters from 0."),
        (
            {"weights": [1, -1, 1]},
            "weights must be 3 finite numbers, not negative and not all zero; got 1 such row, the "
            "first at row 1. Correct or drop those rows.",
        ),
        (
            {"weights": [0, 0, 0]},
            "weights must be 3 finite numbers, not negative and not all zero; got a sum of 0. "
            "Correct or drop those rows.",
        ),
        (
            {"soft": [[1.0, 0.0]]},
            "soft must hold a row of 2 shares a text (3); got shape (1, 2). Pass the teacher's responsibilities.",
        ),
        (
            {"soft": [[1, 0], [0, 0], [0.5, np.nan]]},
            "soft must hold shares that are not negative, and some above 0 in "
            "every row; got 2 such rows, the first at row 1. Pass the teacher's responsibilities.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, list[float]], text: str) -> None:
    arguments = {"labels": [0, 1, 1], **change}
    with pytest.raises(InputError) as refusal:
        train_student(pa.array(["a", "b", None]), arguments.pop("labels"), 2, config=SMALL, **arguments)  # type: ignore[arg-type]
    assert str(refusal.value) == text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"buckets": 1000},
            "buckets must be a power of two from 1,024 to 16,777,216; got 1000. Use the default, 524,288.",
        ),
        ({"epochs": 0}, "epochs must be at least 1; got 0. Use the default, 8."),
        ({"rate": float("nan")}, "rate must be a number above 0; got nan. Use the default, 0.3."),
        ({"softness": 0.5}, "softness must be a number from 1; got 0.5. Use the default, 4."),
        ({"seed": -1}, "seed must be a whole number that is not negative; got -1. Use 0."),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, float], text: str) -> None:
    with pytest.raises(InputError) as refusal:
        StudentConfig(**change)  # type: ignore[arg-type]
    assert str(refusal.value) == text


def test_a_word_of_one_document_counts_nothing() -> None:
    texts, labels = planted(300, 0)
    texts = pa.array([texts[0].as_py() + " zebra zebra", *texts[1:].to_pylist()])
    student = train_student(texts, labels, K, config=StudentConfig(buckets=1 << 22, epochs=1))
    alone = train_student(pa.array(["zebra", "ibex"]), [0, 1], 2, config=SMALL)
    assert not student.evidence(pa.array(["zebra"])).any()
    assert not alone.weights.any()
