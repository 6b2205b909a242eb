"""gem-explorer mix weights, as a process: what it prints, writes, reads back, carries over and refuses."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.cli import app
from gem_core.errors import InputError
from gem_core.export.mixtures import mixture_text, write_weights
from gem_core.mixing import Limits
from gem_core.pipeline import Exclude, Merge, Rename, edit
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.strategies import carried_over, indistinguishable_pairs, weights_by
from gem_core.pipeline.mixing.training_set import TrainingSetRequest, draw_training_set
from gem_core.pipeline.mixing.weights_file import WeightsFile, for_domains, read_weights
from gem_core.workspace import Workspace
from gem_core.workspace.mixing_runs import Mixes
from tests.helpers.cli_process import facts, refusal, run

HOSTILE = (
    '=HYPERLINK("http://x")',
    'a": 1, "b',
    "one\u2028two\x85three",
    "tab\there: {x} #no",
    "\x00\x1b[31m\ufeff",
    "naïve 日本 😀",
    "'single' \\ back",
    "- !!python/object:os.system",
    "cluster_0001: 0.9",
    "same",
    "same",
)


def test_weights_are_printed_written_and_read_back(sample: Workspace, tmp_path: Path) -> None:
    number = sample.taxonomy().clusters[0].number
    edit(sample, Exclude((number,)))
    out = tmp_path / "weights.csv"
    result = facts(
        run(
            "mix",
            "weights",
            sample.root,
            "--strategy",
            "temperature",
            "--tau",
            0.3,
            "--budget",
            "3e5",
            "--max-epochs",
            5,
            "--floor",
            0.02,
            "--out",
            out,
            "--json",
        )
    )
    assert result["excluded"] == [number]
    assert result["taxonomy_hash"] == sample.taxonomy().taxonomy_hash
    clusters = result["clusters"]
    assert math.fsum(c["weight"] for c in clusters) == pytest.approx(1, abs=1e-15)
    assert all(c["epochs"] == pytest.approx(3e5 * c["weight"] / c["tokens"]) for c in clusters)
    assert all(c["warning"].startswith("repeated ") == (c["epochs"] > 4) for c in clusters)
    assert max(c["epochs"] for c in clusters) <= 5 + 1e-9
    table = pd.read_csv(out)
    assert list(table.columns) == [
        "cluster_id",
        "label",
        "strategy",
        "weight",
        "natural_share",
        "ratio",
        "tokens",
        "epochs",
        "taxonomy_hash",
    ]
    assert table.loc[table["cluster_id"] == number, ["weight", "ratio", "epochs"]].to_numpy().tolist() == [[0, 0, 0]]
    back = read_weights(out)
    assert {n: w for n, w in back.weights.items() if n != number} == {c["cluster_id"]: c["weight"] for c in clusters}
    plain = run("mix", "weights", sample.root, "--custom", "3=0.25")
    assert plain.returncode == 0
    assert plain.stdout.splitlines()[0].startswith("custom: as even as ")
    assert "25.00%" in plain.stdout.splitlines()[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--strategy", "best"),
            "--strategy must be one of natural, uniform, temperature, balanced, custom, goal, mixmin, doremi, "
            "regmix, perfre, grip; got best. Choose one of them.",
        ),
        (
            ("--budget", "10e9", "--max-epochs", "4"),
            "10,000,000,000 tokens at no more than 4 epochs need 2,500,000,000 tokens; got this sample has {t} tokens: "
            "give --pool. Set the pool size, such as --pool 5e12, lower the budget to {4t}, or allow ",
        ),
        (("--budget", "plenty"), "--budget must be a number of tokens above 0; got 'plenty'. Use 10e9, 10B or 300M."),
        (("--pool", "no.json"), "--pool must be a number of tokens, a factor such as x1000, or a labeled folder"),
        (("--strategy", "goal", "--goal", "nowhere"), "The goal must be saved for this taxonomy; got 'nowhere'. "),
        (("--strategy", "mixmin"), "Run it: gem-explorer mix mixmin "),
        (("--custom", "3"), "--custom must be numbers of clusters with weights, such as 3=0.2,5=0.1; got '3'. "),
        (("--custom", "3=0.1,3=0.2"), "--custom must name a cluster once; got cluster 3 twice. Remove one."),
        (
            ("--custom", "99=0.1"),
            "A fixed weight must be for a cluster of this taxonomy; got cluster 99. Choose among 0, 1",
        ),
        (
            ("--strategy", "uniform", "--custom", "3=0.1"),
            "Fixed weights belong to the strategy custom, which needs them; got 1 with uniform. ",
        ),
        (
            ("--strategy", "custom"),
            "Fixed weights belong to the strategy custom, which needs them; got 0 with custom. ",
        ),
        (
            ("--strategy", "doremi"),
            "Strategy doremi needs a finished run; got none for this taxonomy or an earlier "
            "one. Run it: gem-explorer mix doremi ",
        ),
        (("--strategy", "regmix"), "Run it: gem-explorer mix proxies "),
        (
            ("--out", "weights.txt"),
            "A file of weights is .csv, .yaml (regmix) or .json (doremi, weborganizer); trainers have formats of "
            "their own; got 'weights.txt'. Use one of these endings.",
        ),
        (("--out", "weights.csv", "--format", "doremi"), "got 'weights.csv' as doremi. "),
        (
            ("--from", "no.csv"),
            "Weights must be a csv, regmix, doremi or weborganizer file; got no.csv: ",
        ),
        (
            ("--from", "no.csv", "--custom", "3=0.1"),
            "Weights come from a file or from a strategy; got --from beside --strategy or --custom. Leave one out.",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    built_sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    tokens = sum(c.tokens for c in Workspace(built_sample).taxonomy().clusters)
    message = message.replace("{t}", f"{tokens:,}").replace("{4t}", f"{4 * tokens:,}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        app(["mix", "weights", str(built_sample), *options], standalone_mode=False)
    assert message in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("ending", "form"), [("csv", None), ("yaml", None), ("json", None), ("json", "weborganizer")])
def test_hostile_labels_come_through_every_format(
    sample: Workspace,
    tmp_path: Path,
    ending: str,
    form: str | None,
) -> None:
    there = sample.taxonomy()
    numbers = [c.number for c in there.clusters]
    taxonomy = replace(
        there,
        clusters=tuple(  # as no edit would name them, but a file on disk might
            replace(c, label=HOSTILE[at % len(HOSTILE)]) for at, c in enumerate(there.clusters)
        ),
    )
    weighting = weights_by(sample, taxonomy, "custom", fixed={numbers[0]: 1e-05, numbers[1]: 0.0})
    path = tmp_path / f"weights.{ending}"
    write_weights(path, taxonomy, weighting, form)
    back = read_weights(path)
    assert back.taxonomy_hash == taxonomy.taxonomy_hash
    assert back.strategy == "custom"
    assert back.weights == dict(zip(weighting.numbers, weighting.weights.tolist(), strict=True))
    text = path.read_text(encoding="utf-8")
    labels = [c.label for c in taxonomy.clusters]
    if ending == "yaml":
        yaml = pytest.importorskip("yaml")
        value = yaml.safe_load(text)
        assert list(value["labels"].values()) == labels
        assert list(value["train"].values()) == weighting.weights.tolist()
        assert list(value["valid"]) == [name.replace("train", "valid") for name in value["train"]]
        assert len({len(name) for name in value["train"]}) == 1
    elif form == "weborganizer":
        assert [row["label"] for row in json.loads(text)] == labels
        assert [row["domain"] for row in json.loads(text)] == numbers
    elif ending == "json":
        assert list(json.loads(text)["labels"].values()) == labels
        assert sum(json.loads(text)["eval_domain_weights"].values()) == pytest.approx(1)
    else:
        assert not any(cell.startswith("=") for cell in pd.read_csv(path)["label"])
    assert ending == "csv" or text.replace("\n", " ").isprintable()


def csv_of(rows: str, name: str = "h") -> str:
    return "cluster_id,weight,taxonomy_hash\n" + "".join(f"{row},{name}\n" for row in rows.split())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "w.csv",
            csv_of("1,.5 2,.4"),
            "Weights must sum to 1; got 0.9 in {} (0.1 too little). Divide them by their sum.",
        ),
        (
            "w.csv",
            csv_of("1,.5 2,.7"),
            "Weights must sum to 1; got 1.2 in {} (0.2 too much). Divide them by their sum.",
        ),
        ("w.csv", csv_of("1,0.5 1,0.5"), "A cluster must have one weight; got cluster 1 twice in {}. Remove one."),
        ("w.csv", csv_of("1,1.5 2,-0.5"), "Weights must be numbers from 0; got -0.5 for cluster 2 in {}. Correct it."),
        ("w.csv", csv_of("1,nan 2,0.5"), "Weights must be numbers from 0; got nan for cluster 1 in {}. Correct it."),
        (
            "w.csv",
            csv_of("Sports,1"),
            "Weights must be for clusters by their number; got 'Sports'. "
            "Use a cluster_id, or a name such as cluster_0003.",
        ),
        (
            "w.csv",
            csv_of("1,0.5", "a") + csv_of("2,0.5", "b").splitlines()[1],
            "All weights of a file must have one taxonomy_hash; got a and b. Write the weights again.",
        ),
        (
            "w.csv",
            "cluster_id,weight\n1,1\n",
            "Weights must name the taxonomy they belong to; got none in {}. "
            "Keep its taxonomy_hash, or set single weights with --custom.",
        ),
        (
            "w.csv",
            "id,weight\n1,1\n",
            "Weights must be a csv, regmix, doremi or weborganizer file; got {}: no "
            "'cluster_id'. Write it with --format csv: files for trainers do not name the taxonomy.",
        ),
        (
            "w.csv",
            'cluster_id,weight\n"1,1',
            "Weights must be a csv, regmix, doremi or weborganizer file; got {}: "
            "unexpected end of data. Write it with --format csv: files for trainers do not name the taxonomy.",
        ),
        (
            "w.json",
            '{"train_domain_weights": {"cluster_0001": 0.5, "cluster_0001": 0.5}}',
            "A cluster must have one weight; got 'cluster_0001' twice. Remove one.",
        ),
        (
            "w.json",
            "[[]]",
            "Weights must be a csv, regmix, doremi or weborganizer file; got {}: list indices must be "
            "integers or slices, not str. Write it with --format csv: files for trainers do not name the taxonomy.",
        ),
        (
            "megatron.txt",
            "0.25 pool/cluster_0001 0.75 pool/cluster_0002",
            "Weights must be a csv, regmix, doremi or weborganizer file; got {}: Extra data: line 1 "
            "column 6 (char 5). Write it with --format csv: files for trainers do not name the taxonomy.",
        ),
        (
            "w.yaml",
            "train:\n  - 3\n",
            "Weights must be a csv, regmix, doremi or weborganizer file; got {}: no mapping called train. "
            "Write it with --format csv: files for trainers do not name the taxonomy.",
        ),
    ],
)
def test_files_that_are_no_weights_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        read_weights(path)
    assert str(refused.value) == message.format(path)


SPREADSHEET = "cluster_id;label;weight;taxonomy_hash\r\n0;Bäcker;0,25;5e1f\r\n4;Fluß;7,5E-01;5e1f\r\n;;;\r\n"


@pytest.mark.parametrize(
    "data",
    [
        SPREADSHEET.encode("utf-8-sig"),
        SPREADSHEET.encode("cp1252"),
        SPREADSHEET.replace(";", "\t").encode("utf-16"),
        SPREADSHEET.replace(",", ".").replace(";", ",").encode("utf-8-sig"),
    ],
)
def test_a_table_that_a_spreadsheet_saved_again_is_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "w.csv").write_bytes(data)
    assert read_weights(tmp_path / "w.csv") == WeightsFile("", "5e1f", {0: 0.25, 4: 0.75})


@pytest.mark.parametrize("row", ["Total;;1,0;", ";;1,0;"])
def test_a_total_row_is_named(tmp_path: Path, row: str) -> None:
    (tmp_path / "w.csv").write_text(SPREADSHEET + row + "\r\n", encoding="utf-8-sig")
    with pytest.raises(
        InputError, match=r"row 3 without a cluster_id \((Total|1,0)\), such as a total\. Remove that row"
    ):
        read_weights(tmp_path / "w.csv")


def test_weights_follow_a_taxonomy_edit(sample: Workspace, tmp_path: Path) -> None:
    before = sample.taxonomy()
    old = weights_by(sample, before, "custom", fixed={0: 0.3, 1: 0.2})
    write_weights(tmp_path / "old.csv", before, old)
    weight = dict(zip(old.numbers, old.weights.tolist(), strict=True))
    edit(sample, Merge((0, 1)))
    after = edit(sample, Exclude((5,)))
    file = read_weights(tmp_path / "old.csv")
    with pytest.raises(InputError) as refused:
        for_domains(file, domains_of(sample, after))
    assert str(refused.value) == (
        f"Weights must belong to this taxonomy ({after.taxonomy_hash[:12]}); got weights of taxonomy "
        f"{before.taxonomy_hash[:12]}. Carry them over: gem-explorer mix weights DIR --from FILE --out NEW."
    )
    result = facts(
        run("mix", "weights", sample.root, "--from", tmp_path / "old.csv", "--out", tmp_path / "new.csv", "--json")
    )
    assert result["carried_from"] == before.taxonomy_hash
    assert result["strategy"] == "custom"
    left = 1 - weight[5]
    weight_by_cluster = {c["cluster_id"]: c["weight"] for c in result["clusters"]}
    merged = ({0, 1} & set(weight_by_cluster)).pop()
    expected = {n: (0.5 if n == merged else weight[n]) / left for n in weight_by_cluster}
    assert weight_by_cluster == pytest.approx(expected, rel=1e-12)
    assert for_domains(read_weights(tmp_path / "new.csv"), domains_of(sample, after)).tolist() == pytest.approx(
        list(expected.values())
    )
    sample.undo()
    sample.undo()
    with pytest.raises(InputError, match="Weights must belong to this taxonomy"):
        mixture_text(sample.taxonomy(), carried_over(sample, after, file), "csv")
    (tmp_path / "alien.csv").write_text((tmp_path / "old.csv").read_text().replace(before.taxonomy_hash, "f" * 64))
    assert "taxonomy ffffffffffff, which is not in it" in refusal(
        run("mix", "weights", sample.root, "--from", tmp_path / "alien.csv")
    )


def test_a_rename_does_not_make_weights_foreign(sample: Workspace, tmp_path: Path) -> None:
    before = sample.taxonomy()
    write_weights(tmp_path / "old.csv", before, weights_by(sample, before, "custom", fixed={0: 0.3, 1: 0.2}))
    file, request = read_weights(tmp_path / "old.csv"), TrainingSetRequest(5000)
    after = edit(sample, Rename("cluster", 0, "Another name"))
    assert after.taxonomy_hash != before.taxonomy_hash
    training_set = draw_training_set(sample, after, file, tmp_path / "set", request)
    assert training_set.weights[:2].tolist() == pytest.approx([0.3, 0.2])
    after = edit(sample, Exclude((5,)))
    with pytest.raises(InputError, match="Weights must belong to this taxonomy"):
        draw_training_set(sample, after, file, tmp_path / "other", request)


def test_a_cluster_that_was_excluded_has_no_evidence(sample: Workspace, tmp_path: Path) -> None:
    before = edit(sample, Exclude((5,)))
    write_weights(tmp_path / "old.csv", before, weights_by(sample, before, "uniform"))
    sample.undo()
    carried = carried_over(sample, sample.taxonomy(), read_weights(tmp_path / "old.csv"))
    at = carried.numbers.index(5)
    assert carried.weights[at] == 0
    assert carried.warnings[at] == "no evidence: none of its tokens were in the taxonomy of the runs"
    assert sum(map(bool, carried.warnings)) == 1


def test_runs_give_their_weights_and_follow_an_edit(sample: Workspace) -> None:
    before = sample.taxonomy()
    numbers = [c.number for c in before.clusters]
    loss_weights = {str(n): (n + 1) / sum(m + 1 for m in numbers) for n in numbers}
    run_mixtures = np.random.default_rng(0).dirichlet(np.ones(len(numbers)), 40)
    run_mixtures[:, 3] = 2 * run_mixtures[:, 2]
    mixtures = (run_mixtures / run_mixtures.sum(axis=1, keepdims=True)).tolist()
    Mixes(sample.root, before.taxonomy_hash).write_evidence(
        "regmix", {"seed": 0}, {"weights": loss_weights, "mixtures": mixtures}
    )
    weighting = weights_by(sample, before, "regmix", limits=Limits(floor=0.01))
    assert weighting.weights.min() >= 0.01
    assert weights_by(sample, before, "regmix").weights.tolist() == pytest.approx(list(loss_weights.values()))
    names = [c.label for c in before.clusters]
    assert [(d.first, d.second) for d in indistinguishable_pairs(sample, weighting)] == [(names[2], names[3])]
    after = edit(sample, Merge((2, 3)))
    carried = weights_by(sample, after, "regmix")
    assert carried.carried_from == before.taxonomy_hash
    merged = carried.numbers.index(({2, 3} & set(carried.numbers)).pop())
    assert carried.weights[merged] == pytest.approx(loss_weights["2"] + loss_weights["3"])
    assert indistinguishable_pairs(sample, carried) == ()
    Mixes(sample.root, after.taxonomy_hash).write_evidence("regmix", {"seed": 0}, {"weights": {"77": 1.0}})
    with pytest.raises(InputError, match="cluster 77, which is not in it"):
        weights_by(sample, after, "regmix")


def test_a_hand_edited_yaml_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.yaml"
    path.write_text(
        "# edited by hand\ntaxonomy_hash: 5e1f\nstrategy: 'custom'\ntrain:\n    'train_cluster_0000': 0.25  # web\n"
        "    train_cluster_0004: .75\nvalid: {valid_cluster_0000: 1.0}\n"
    )
    assert read_weights(path) == WeightsFile("custom", "5e1f", {0: 0.25, 4: 0.75})
