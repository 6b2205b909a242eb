"""mix split and mix swarm: files of each cluster, designs for other trainers, and their losses taken back."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from gem_core.commands.mixing.mix_commands import app
from gem_core.errors import InputError
from gem_core.mixing.goals import Goal
from gem_core.pipeline import Exclude, edit
from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.goal_store import save_goal
from gem_core.pipeline.mixing.ngram_preview import ngram_preview
from gem_core.pipeline.mixing.split_files import split_labeled, split_workspace
from gem_core.pipeline.mixing.weights_file import for_domains, read_weights
from gem_core.workspace import Workspace


def mix(*arguments: object) -> str:
    """Run `gem-explorer mix` in this process and return what it prints."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_documents_are_split_by_cluster_and_excluded_ones_left_out(sample: Workspace, tmp_path: Path) -> None:
    excluded = sample.taxonomy().clusters[-1].number
    edit(sample, Exclude((excluded,)))
    out = tmp_path / "split"
    assert "documents of excluded clusters are in no file" in mix("split", sample.root, "--out", out)
    facts = json.loads((out / "split.json").read_text())
    domains = domains_of(sample, sample.taxonomy())
    documents = pd.read_parquet(sample.root / "documents.parquet")
    row_count = 0
    for cluster in facts["clusters"]:
        number = cluster["cluster_id"]
        rows = pd.concat([pd.read_parquet(out / name) for name in cluster["files"]])
        at = domains.numbers.index(number)
        assert list(rows["id"]) == list(documents["id"][domains.positions == at]), "the order of the corpus"
        assert set(rows["cluster_id"]) == {number}
        assert (len(rows), rows["tokens"].sum()) == (cluster["documents"], cluster["tokens"])
        assert list(rows["text"]) == list(documents["text"][domains.positions == at])
        row_count += len(rows)
    assert facts["documents_left_out"] == len(documents) - row_count == int((domains.positions < 0).sum())
    with pytest.raises(InputError, match="does not exist yet"):
        split_workspace(sample, sample.taxonomy(), out)


def test_labeled_shards_are_split_with_all_their_columns(tmp_path: Path) -> None:
    labeled = tmp_path / "labeled"
    labeled.mkdir()
    with pytest.raises(InputError, match=r"without totals\.json"):
        split_labeled(labeled, tmp_path / "out")
    rows = {"text": ["a", "b", "c"], "url": ["u", "v", "w"], "gem_cluster": [3, 7, 3], "gem_tokens": [1, 2, 3]}
    pq.write_table(pa.table(rows), labeled / "a.parquet")
    (labeled / "b.jsonl").write_text(json.dumps({"text": "d", "url": "x", "gem_cluster": 7, "gem_tokens": 4}) + "\n")
    clusters = [{"cluster_id": n, "label": f"name {n}"} for n in (3, 7)]
    bookkeeping(labeled).mkdir()
    totals = {"taxonomy_hash": "5e", "clusters": clusters}
    (bookkeeping(labeled) / "totals.json").write_text(json.dumps({**totals, "complete": False}))
    with pytest.raises(InputError, match="where labeling has not ended"):
        split_labeled(labeled, tmp_path / "out")
    (bookkeeping(labeled) / "totals.json").write_text(json.dumps({**totals, "complete": True}))
    (labeled / "c.csv").write_text("text,url,gem_cluster,gem_tokens\ne,y,3,0\n")
    with pytest.raises(InputError, match="Give the prefix"):
        split_labeled(labeled, tmp_path / "out", prefix="topic_")
    result = split_labeled(labeled, tmp_path / "out", form="jsonl.zst")
    assert (result.documents, result.tokens) == ({3: 3, 7: 2}, {3: 4, 7: 6})
    small = split_labeled(labeled, tmp_path / "small", part_tokens=2)
    assert small.files[7] == ("cluster_0007/part-00000.parquet", "cluster_0007/part-00001.parquet")
    table = pd.read_json(tmp_path / "out" / "cluster_0007" / "part-00000.jsonl.zst", lines=True)
    assert table[["text", "url"]].to_numpy().tolist() == [["b", "v"], ["d", "x"]]


def test_a_swarm_goes_out_and_its_losses_come_back_as_a_proposal(sample: Workspace, tmp_path: Path) -> None:
    domains = domains_of(sample, sample.taxonomy())
    goal = Goal("two", {domains.numbers[1]: 1.0, domains.numbers[4]: 1.0}, natural=0.3)
    save_goal(sample, domains, goal)
    swarm = tmp_path / "swarm"
    mix("swarm", sample.root, "--out", swarm, "--count", 40, "--format", "olmo-core")
    design = pd.read_csv(swarm / "mixtures.csv")
    rows = design.drop(columns="run").to_numpy()
    assert rows[0] == pytest.approx(domains.natural)
    sources = yaml.safe_load((swarm / "run_007.yaml").read_text())["sources"]
    assert [source["target_ratio"] for source in sources] == pytest.approx(rows[7])
    proxy = ngram_preview(sample, domains)  # stands for the team's proxies
    losses = pd.DataFrame([proxy.losses(row) for row in rows], columns=design.columns[1:])
    losses.insert(0, "run", design["run"])
    losses.to_csv(tmp_path / "losses.csv", index=False)
    out = tmp_path / "weights.csv"
    arguments = (
        "--mixtures",
        swarm / "mixtures.csv",
        "--losses",
        tmp_path / "losses.csv",
        "--goal",
        "two",
        "--out",
        out,
    )
    text = mix("swarm", sample.root, *arguments)
    assert "Goal two, 40 runs: predicted" in text
    assert "natural shares" in text
    weights = for_domains(read_weights(out), domains)
    shares = goal.shares(domains.numbers, domains.natural)
    gain = float((proxy.losses(domains.natural) - proxy.losses(weights)) @ shares)
    assert gain > 0.01
    assert (tmp_path / "weights-0.25.csv").exists(), "the mixtures to train beside natural shares"
    losses.iloc[:, :-1].to_csv(tmp_path / "losses.csv", index=False)
    with pytest.raises(InputError, match="each once"):
        mix("swarm", sample.root, *arguments)
