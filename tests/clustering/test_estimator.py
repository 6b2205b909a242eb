"""GEM as a scikit-learn estimator and as BERTopic's cluster model."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import vonmises_fisher
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from gem_core import GEM, MixtureConfig, fit_mixture
from gem_core.clustering.estimator import EXPECTED_FAILED_CHECKS
from gem_core.errors import InputError


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks() -> None:
    results = check_estimator(
        GEM(n_clusters=3), on_fail=None, on_skip=None, expected_failed_checks=EXPECTED_FAILED_CHECKS
    )
    failed = {r["check_name"]: str(r["exception"])[:200] for r in results if r["status"] == "failed"}
    assert not failed
    # An exception that is no longer needed must go from the list.
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(EXPECTED_FAILED_CHECKS)


def test_attributes_and_predictions(planted) -> None:
    x, _ = planted((60, 30, 10), 8, 20.0)
    model = GEM(n_clusters=3, strength=float("inf"), random_state=1).fit(x)
    fit = fit_mixture(x, MixtureConfig(n_clusters=3, strength=float("inf"), seed=1))
    np.testing.assert_allclose(model.cluster_centers_, fit.centers)
    np.testing.assert_allclose(model.masses_, 1 / 3, atol=1e-6)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    np.testing.assert_array_equal(model.predict_proba(x).argmax(axis=1), model.labels_)
    np.testing.assert_allclose(model.predict_proba(x).mean(axis=0), model.masses_, atol=1e-6)
    np.testing.assert_array_equal(clone(model).fit_predict(x), model.labels_)
    assert model.transform(x).shape == (100, 3)
    assert model.objective_trace_.size == model.n_iter_
    assert model.converged_
    for name in ("concentrations_", "bias_"):
        assert getattr(model, name).shape == (3,)


def test_weights_and_targets(planted) -> None:
    x, _ = planted((60, 30, 10), 8, 20.0)
    w = np.where(np.arange(100) < 50, 0.0, 1.0)
    model = GEM(n_clusters=3, strength=float("inf"), target=[0.2, 0.5, 0.3]).fit(x, sample_weight=w)
    np.testing.assert_allclose(model.masses_, [0.2, 0.5, 0.3], atol=1e-6)
    np.testing.assert_allclose(w @ model.predict_proba(x) / w.sum(), model.masses_, atol=1e-6)


def test_refusals() -> None:
    with pytest.raises(NotFittedError):
        GEM().predict(np.eye(3))
    with pytest.raises(InputError, match=r"must not exceed the number of documents \(n_samples = 3\); got 24"):
        GEM().fit(np.eye(3))


def test_score_is_the_mean_log_likelihood_of_scipy_s_density(planted) -> None:
    vectors, _ = planted((30, 20, 10), 8, 50.0)
    model = GEM(n_clusters=3, random_state=0).fit(vectors)
    densities = [
        vonmises_fisher(center / np.linalg.norm(center), kappa).logpdf(vectors)
        for center, kappa in zip(model.cluster_centers_, model.concentrations_, strict=True)
    ]
    assert model.score(vectors) == pytest.approx((logsumexp(densities, axis=0) - np.log(3)).mean(), rel=1e-6)
    noise = np.random.default_rng(0).normal(size=(60, 8))
    assert model.score(vectors) > model.score(noise)


def test_a_generator_seeds_as_a_random_state_does(planted) -> None:
    vectors, _ = planted((30, 20, 10), 8, 5.0)
    fits = [GEM(n_clusters=3, random_state=np.random.default_rng(seed)).fit(vectors) for seed in (7, 7, 8)]
    assert np.array_equal(fits[0].cluster_centers_, fits[1].cluster_centers_)
    assert fits[0]._config().seed != fits[2]._config().seed


@pytest.mark.filterwarnings("ignore")
def test_bertopic_takes_it_as_cluster_model(planted) -> None:
    bertopic = pytest.importorskip("bertopic", reason="pip install bertopic")
    from bertopic.dimensionality import BaseDimensionalityReduction

    vectors, truth = planted((40, 40, 40), 16, 100.0)
    words = np.array(["bread oven flour dough", "river bridge water bank", "engine piston fuel valve"])
    documents = [f"{words[t]} {words[t].split()[i % 4]}" for i, t in enumerate(truth)]
    model = bertopic.BERTopic(
        hdbscan_model=GEM(n_clusters=3),
        umap_model=BaseDimensionalityReduction(),
        embedding_model=None,
        language="multilingual",
        calculate_probabilities=True,
    )
    topics, probabilities = model.fit_transform(documents, embeddings=vectors.astype(np.float32))
    assert len(set(topics)) == 3
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert probabilities.argmax(axis=1).tolist() == list(topics)
    assert all(len({t for t, own in zip(topics, truth, strict=True) if own == cluster}) == 1 for cluster in range(3))
    words_by_topic = {topic: {word for word, _ in model.get_topic(topic)} for topic in set(topics)}
    assert {"oven", "river", "piston"} <= set().union(*words_by_topic.values())
    again, _ = model.transform(documents[:10], embeddings=vectors[:10].astype(np.float32))
    assert list(again) == list(topics[:10])
