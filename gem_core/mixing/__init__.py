"""Mixing: from domains to weights. Domains are integer ids and arrays here; where they come from is not known."""

from gem_core.mixing.regmix import RegMix, regmix
from gem_core.mixing.regressors import Choice, Regressor, choose, fit_regressor, out_of_fold, spearman
from gem_core.mixing.runs import Runs, read_runs
from gem_core.mixing.sampling import sample_mixtures, search

__all__ = ["Choice", "RegMix", "Regressor", "Runs", "choose", "fit_regressor", "out_of_fold", "read_runs", "regmix",
           "sample_mixtures", "search", "spearman"]
