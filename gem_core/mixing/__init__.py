"""Mixing weights of domains: constraints, strategies, proxies and regression. Domains are arrays and integer ids."""

from gem_core.mixing.constraints import epoch_caps, project
from gem_core.mixing.mixture_sampling import sample_mixtures, search
from gem_core.mixing.proxy_runs import Runs, read_runs
from gem_core.mixing.regmix import RegMix, regmix
from gem_core.mixing.regressors import Regressor, RegressorChoice, choose, fit_regressor, out_of_fold, spearman
from gem_core.mixing.weights import Limits, Weights, temperature, weigh

__all__ = [
    "Limits",
    "RegMix",
    "Regressor",
    "RegressorChoice",
    "Runs",
    "Weights",
    "choose",
    "epoch_caps",
    "fit_regressor",
    "out_of_fold",
    "project",
    "read_runs",
    "regmix",
    "sample_mixtures",
    "search",
    "spearman",
    "temperature",
    "weigh",
]
