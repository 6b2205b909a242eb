"""Slow, obvious float64 versions of what gem_core computes fast: loops over documents, scipy instead of Newton."""

import numpy as np
from mpmath import besseli, log, mp, mpf, pi
from scipy.optimize import minimize

mp.dps = 40


def log_normalizer(d: int, kappa: float) -> float:
    """log C_d(kappa) straight from its definition, 40 digits."""
    k = mpf(kappa)
    return float((mpf(d) / 2 - 1) * log(k) - mpf(d) / 2 * log(2 * pi) - log(besseli(mpf(d) / 2 - 1, k)))


def log_densities(x: np.ndarray, centers: np.ndarray, concentrations: np.ndarray) -> np.ndarray:
    """l_ik = log 1/K + log C_d(kappa_k) + kappa_k mu_k'x_i, one pair at a time."""
    k, d = centers.shape
    out = np.empty((len(x), k))
    for j in range(k):
        constant = log_normalizer(d, float(concentrations[j])) - np.log(k)
        for i, row in enumerate(x):
            out[i, j] = constant + concentrations[j] * float(np.dot(centers[j], row))
    return out


def objective(gamma: np.ndarray, logits: np.ndarray, w: np.ndarray, penalty: float, target: np.ndarray) -> float:
    """F(Theta, Gamma) of GEM (arXiv 2605.26121), document by document."""
    total = 0.0
    for i in range(len(gamma)):
        for j in range(gamma.shape[1]):
            g = gamma[i, j]
            if g > 0:
                total += w[i] * g * (logits[i, j] - np.log(g))
    excess = w @ gamma - target
    return total - (0.5 * penalty * float(excess @ excess) if np.isfinite(penalty) else 0.0)


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def responsibilities(logits: np.ndarray, w: np.ndarray, penalty: float, target: np.ndarray) -> np.ndarray:
    """Exact E-step: the dual handed to scipy's BFGS."""

    def dual(b: np.ndarray) -> tuple[float, np.ndarray]:
        shifted = logits + b
        peak = shifted.max(axis=1)
        value = w @ (peak + np.log(np.exp(shifted - peak[:, None]).sum(axis=1))) - b @ target
        slope = w @ softmax(shifted) - target
        if np.isfinite(penalty):
            value, slope = value + b @ b / (2 * penalty), slope + b / penalty
        return value, slope

    if penalty == 0:
        return softmax(logits)
    solution = minimize(
        dual, np.zeros(logits.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 5000}
    )
    return softmax(logits + solution.x)


def maximisation(x: np.ndarray, gamma: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean directions and concentrations, the latter by bisection on A_d(kappa) = Rbar."""
    k, d = gamma.shape[1], x.shape[1]
    centers, concentrations = np.empty((k, d)), np.empty(k)
    for j in range(k):
        r = sum(w[i] * gamma[i, j] * x[i] for i in range(len(x)))
        length = float(np.linalg.norm(r))
        centers[j] = r / length
        rbar, low, high = length / float(w @ gamma[:, j]), 1e-6, 1e5
        for _ in range(200):
            middle = 0.5 * (low + high)
            ratio = float(besseli(mpf(d) / 2, mpf(middle)) / besseli(mpf(d) / 2 - 1, mpf(middle)))
            low, high = (middle, high) if ratio < rbar else (low, middle)
            if high - low < 1e-13 * high:
                break
        concentrations[j] = 0.5 * (low + high)
    return centers, concentrations
