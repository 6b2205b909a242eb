"""Second axis of mixtures: clusters x buckets of a numeric column, in weights, goals, samples and files by domain."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from gem_core.errors import InputError
from gem_core.export import export
from gem_core.export.saved_mix import save_mix
from gem_core.pipeline import Rename, edit
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.goal_store import compose_goal, read_goal, save_goal
from gem_core.pipeline.mixing.split_files import split_workspace
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.workspace import Workspace
from gem_core.workspace.second_axis import Axis, cross_taxonomy, make_axis, mixing_taxonomy, remove_axis, save_axis
from tests.helpers.cli_process import facts, run


def test_domains_are_the_buckets_of_the_clusters(sample: Workspace) -> None:
    base = sample.taxonomy()
    axis = make_axis(sample, "tokens", 3, least=0)
    crossed = cross_taxonomy(sample, base, axis)
    tokens = sample.documents["tokens"].to_numpy()
    buckets = 1 + (tokens >= axis.cuts[0]).astype(int) + (tokens >= axis.cuts[1])
    ids = 100 * base.documents["cluster_id"].to_numpy() + buckets
    domains = domains_of(sample, crossed)
    assert domains.numbers == tuple(np.unique(ids))
    assert np.array(domains.numbers)[domains.positions].tolist() == ids.tolist()
    assert domains.tokens.tolist() == [int(tokens[ids == number].sum()) for number in domains.numbers]
    assert {group.number for group in crossed.groups} == {cluster.number for cluster in base.clusters}
    assert sum(cluster.mass for cluster in crossed.clusters) == pytest.approx(1)


def test_documents_without_a_value_have_a_bucket_of_their_own_and_equal_values_stay_together(sample: Workspace) -> None:
    table = sample.documents
    table["quality"] = np.where(np.arange(len(table)) % 4 == 0, np.nan, np.arange(len(table)) % 2)
    axis = make_axis(sample, "quality", 5, least=0)
    assert axis == Axis("quality", (1.0,), 0)
    crossed = cross_taxonomy(sample, sample.taxonomy(), axis)
    buckets = np.asarray(crossed.documents["cluster_id"]) % 100
    assert buckets.tolist() == np.where(table["quality"].isna(), 0, 1 + table["quality"].fillna(0)).astype(int).tolist()


def test_an_axis_needs_numbers_that_differ_and_rising_cuts(sample: Workspace) -> None:
    sample.documents["same"] = 1.0
    for column, buckets, cuts, expected in (
        ("subject", 3, (), "a numeric column; got 'subject'"),
        ("same", 3, (), "two values or more"),
        ("tokens", 1, (), "2 to 20; got 1"),
        ("tokens", 3, (5, 2), "rising"),
    ):
        with pytest.raises(InputError, match=expected):
            make_axis(sample, column, buckets, cuts)


def test_a_new_label_keeps_the_hash_of_the_domains(sample: Workspace) -> None:
    save_axis(sample, make_axis(sample, "tokens", 3))
    before = mixing_taxonomy(sample).taxonomy_hash
    edit(sample, Rename("cluster", sample.taxonomy().clusters[0].number, "Another name"))
    assert mixing_taxonomy(sample).taxonomy_hash == before
    remove_axis(sample)
    assert mixing_taxonomy(sample).taxonomy_hash == sample.taxonomy().taxonomy_hash


def test_weights_goals_samples_and_splits_work_on_two_axes(sample: Workspace, tmp_path: Path) -> None:
    axis_facts = facts(run("mix", "axis", sample.root, "--column", "tokens", "--buckets", 2, "--least", 2000, "--json"))
    crossed = mixing_taxonomy(sample)
    assert axis_facts["domains"] == len(crossed.clusters)
    assert sum(row["documents"] for row in axis_facts["buckets"]) == len(sample)
    number = crossed.groups[0].number
    domains = domains_of(sample, crossed)
    save_goal(sample, domains, compose_goal(crossed, domains, "one", {}, {number: 1.0}, 0.5))
    shares = read_goal(sample, domains, "one").shares(domains.numbers, domains.natural)
    in_group = np.array(domains.numbers) // 100 == number
    assert shares[in_group].sum() == pytest.approx(0.5 + 0.5 * domains.natural[in_group].sum())
    out = tmp_path / "weights.csv"
    run("mix", "weights", sample.root, "--strategy", "temperature", "--out", out)
    table = pd.read_csv(out)
    assert table["cluster_id"].tolist() == list(domains.numbers)
    run("mix", "sample", sample.root, "--weights", out, "--tokens", 20_000, "--out", tmp_path / "set")
    rows = pq.read_table(tmp_path / "set").to_pandas()
    sampled_tokens = rows.groupby("cluster_id")["tokens"].sum().reindex(table["cluster_id"]).fillna(0)
    assert np.abs(sampled_tokens.to_numpy() / sampled_tokens.sum() - table["weight"]).max() < 0.02
    split = split_workspace(sample, crossed, tmp_path / "split")
    assert list(split.tokens.values()) == [cluster.tokens for cluster in crossed.clusters]


def test_the_export_carries_the_mix_of_the_domains(sample: Workspace, tmp_path: Path) -> None:
    save_axis(sample, make_axis(sample, "tokens", 2, least=0))
    crossed = mixing_taxonomy(sample)
    weights = weights_by(sample, crossed, "temperature", tau=0.5)
    save_mix(sample, weights, {})
    export(sample, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "weights.csv")
    assert table["cluster_id"].tolist() == list(weights.numbers)
    assert table["weight"].tolist() == pytest.approx(weights.weights.tolist(), abs=1e-12)
    receipt = json.loads((tmp_path / "out" / "receipt.json").read_text())
    assert receipt["mix"]["axis"]["column"] == "tokens"


def test_a_small_bucket_joins_its_smaller_neighbor(sample: Workspace) -> None:
    base = sample.taxonomy()
    apart = cross_taxonomy(sample, base, make_axis(sample, "tokens", 3, least=0))
    joined = cross_taxonomy(sample, base, make_axis(sample, "tokens", 3, least=2500))
    assert min(cluster.tokens for cluster in joined.clusters) >= 2500 > min(c.tokens for c in apart.clusters)
    assert 12 < len(joined.clusters) < len(apart.clusters)
    assert any(" to " in cluster.label for cluster in joined.clusters)
    assert sum(cluster.tokens for cluster in joined.clusters) == sum(c.tokens for c in base.clusters)
