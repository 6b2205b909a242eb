"""Groupings of the documents held against each other, shared between sessions like what `cached` holds."""

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.data import cached_results
from gem_core.pipeline.compare.comparison import Comparison, Partition, columns_to_compare, compare_partitions
from gem_core.pipeline.compare.comparison import partition as grouping
from gem_core.pipeline.compare.quality import Quality
from gem_core.pipeline.compare.quality import quality as quality_of
from gem_core.pipeline.compare.refits import Method
from gem_core.pipeline.compare.stability import Stability
from gem_core.pipeline.compare.stability import returning as returning_of


@st.cache_resource(max_entries=4, show_spinner=False)
def _columns(root: str, data_hash: str) -> tuple[str, ...]:
    return columns_to_compare(cached_results.workspace(Path(root)))


def columns(root: Path) -> tuple[str, ...]:
    """Return the columns of the corpus that hold groups, the label column first."""
    return _columns(str(root), cached_results.workspace(root).manifest.data_hash)


@st.cache_resource(max_entries=12, show_spinner=False)
def _partition(root: str, data_hash: str, key: str, spec: str) -> Partition:
    return grouping(cached_results.workspace(Path(root)), spec)


def partition(root: Path, spec: str) -> Partition:
    """Return a grouping of the documents; one that must be fitted first is better asked for with its progress."""
    return _partition(
        str(root), cached_results.workspace(root).manifest.data_hash, cached_results.taxonomy(root).key, spec
    )


@st.cache_resource(max_entries=12, show_spinner=False)
def _comparison(root: str, data_hash: str, key: str, a: str, b: str) -> Comparison:
    return compare_partitions(partition(Path(root), a), partition(Path(root), b))


def comparison(root: Path, a: str, b: str) -> Comparison:
    """Return two groupings held against each other."""
    return _comparison(
        str(root), cached_results.workspace(root).manifest.data_hash, cached_results.taxonomy(root).key, a, b
    )


@st.cache_resource(max_entries=24, show_spinner=False)
def _quality(root: str, data_hash: str, key: str, spec: str) -> Quality:
    return quality_of(cached_results.workspace(Path(root)), partition(Path(root), spec))


def quality(root: Path, spec: str) -> Quality:
    """Return the measures of one grouping."""
    return _quality(
        str(root), cached_results.workspace(root).manifest.data_hash, cached_results.taxonomy(root).key, spec
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _returning(
    root: str, key: str, method: Method, seeds: tuple[int, ...], draws: tuple[int, ...], _study: Stability
) -> NDArray[np.float64]:
    return returning_of(cached_results.workspace(Path(root)), cached_results.taxonomy(Path(root)), _study)


def returning(root: Path, study: Stability) -> NDArray[np.float64]:
    """Return how surely each cluster of the present taxonomy comes back in the refits of a study."""
    return _returning(
        str(root), cached_results.taxonomy(root).key, study.method, study.seeds.ids, study.resamples.ids, study
    )
