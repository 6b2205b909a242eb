"""Calibrate a student: temperature for its probabilities, biases for the cluster masses of the teacher."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.student.model import Student

PRIOR = 1e-3  # holds the bias of a cluster that calibration documents hardly show: nats lost per nat squared / 2


def calibrate_student(
    student: Student, texts: pa.Array | pa.ChunkedArray, labels: ArrayLike, weights: ArrayLike | None = None
) -> Student:
    r"""Fit temperature and biases on documents that neither trained the student nor will test it.

    Minimizes over T > 0 and b the mean negative log-likelihood of the teacher's labels,

        - sum_i w_i log softmax_{y_i}(z_i / T + b) + prior |b - mean(b)|^2 / 2

    Where the gradient in b is 0, the mean predicted share of each cluster is the teacher's, but for the prior.

    Parameters
    ----------
    student : Student
    texts : pyarrow.Array or pyarrow.ChunkedArray of n strings
    labels : (n,) int
        The teacher's clusters, as indices into `student.numbers`.
    weights : (n,) float, optional
        How much each document counts; 1 each by default.

    Returns
    -------
    Student
        The same rows, another temperature and other biases (mean 0).

    Raises
    ------
    InputError
        If sizes differ, a label is out of range, or there are no documents.
    """
    from scipy.optimize import minimize

    evidence, target = student.evidence(texts), np.asarray(labels)
    n, k = evidence.shape
    if target.shape != (n,) or n == 0 or target.min() < 0 or target.max() >= k:
        raise InputError(
            f"labels must hold one of the {k} clusters for each of the texts to calibrate on",
            f"{target.size:,} labels for {n:,} texts",
            "Pass indices from 0, as many as texts",
        )
    w = np.full(n, 1.0 / n) if weights is None else np.asarray(weights, np.float64) / np.sum(weights)
    rows = np.arange(n)

    def loss(x: Float64) -> tuple[float, Float64]:
        heat, bias = np.exp(x[0]), x[1:]
        logits = evidence * heat + bias
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        total = shares.sum(axis=1)
        centred = bias - bias.mean()
        value = float(w @ (np.log(total) - logits[rows, target])) + PRIOR / 2 * float(centred @ centred)
        shares /= total[:, None]
        shares[rows, target] -= 1
        shares *= w[:, None]
        gradient = np.concatenate(([heat * float((shares * evidence).sum())], shares.sum(axis=0) + PRIOR * centred))
        return value, gradient

    solution = minimize(
        loss,
        np.concatenate(([0.0], student.bias)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7},
    ).x
    return replace(student, temperature=float(np.exp(-solution[0])), bias=solution[1:] - solution[1:].mean())
