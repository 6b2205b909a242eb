"""Distill: the split, the teacher with edits, a report that a second count confirms, whole folders only."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gem_core.errors import Cancelled, InputError, WorkspaceError
from gem_core.pipeline import Exclude, Merge, Move, Rename, edit
from gem_core.pipeline.student.distil import DistilSettings, distil, read_texts, soft_targets
from gem_core.pipeline.student.registry import saved_students, student_folder
from gem_core.pipeline.student.report import (
    DistilReport,
    cluster_scores,
    confused_pairs,
    mass_error,
    read_report,
    wilson_interval,
)
from gem_core.pipeline.student.training_split import (
    TrainingSplit,
    balanced_weights,
    draw_test_and_calibration,
    drop_least_typical,
    first_occurrences,
    split_training_data,
)
from gem_core.student import StudentConfig, load_student
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_parquet
from tests.helpers.cli_process import facts, refusal, run

QUICK = DistilSettings(student=StudentConfig(buckets=1 << 14, epochs=3))


def plan_of(workspace: Workspace, settings: DistilSettings) -> TrainingSplit:
    table = workspace.taxonomy().documents
    return split_training_data(
        workspace.taxonomy().positions,
        table["gis"].to_numpy(),
        table["margin"].to_numpy(),
        first_occurrences(workspace),
        test_share=settings.test_share,
        calibration_share=settings.calibration_share,
        drop=settings.drop,
        balance=settings.balance,
        seed=settings.seed,
    )


def test_wilson_solves_its_equation() -> None:
    """The ends are the rates p with |p - hits/n| = z sqrt(p (1 - p) / n)."""
    for hits, n in ((8, 10), (3, 7), (999, 1000), (72, 4800)):
        for end in wilson_interval(hits, n):
            assert abs(end - hits / n) == pytest.approx(1.959963984540054 * math.sqrt(end * (1 - end) / n), rel=1e-9)
    assert wilson_interval(0, 10) == (0.0, pytest.approx(0.27753279))
    assert wilson_interval(10, 10) == (pytest.approx(0.72246720), pytest.approx(1.0))


def test_the_split_is_the_same_part_of_every_cluster() -> None:
    rng = np.random.default_rng(0)
    clusters = rng.permutation(np.repeat(np.arange(6), [100, 40, 13, 3, 2, 1]))
    test, calibration = draw_test_and_calibration(
        clusters, np.arange(len(clusters)), test_share=0.2, calibration_share=0.1, seed=4
    )
    assert np.bincount(clusters[test], minlength=6).tolist() == [20, 8, 3, 1, 0, 0]
    assert np.bincount(clusters[calibration], minlength=6).tolist() == [10, 4, 1, 0, 0, 0]
    assert not (test & calibration).any()
    assert set(clusters[~test & ~calibration]) == set(range(6))  # every cluster has something to learn from
    again = draw_test_and_calibration(clusters, np.arange(len(clusters)), test_share=0.2, calibration_share=0.1, seed=4)
    other = draw_test_and_calibration(clusters, np.arange(len(clusters)), test_share=0.2, calibration_share=0.1, seed=5)
    assert (again[0] == test).all()
    assert (other[0] != test).any()
    small = draw_test_and_calibration(np.zeros(3, int), np.arange(3), test_share=0.5, calibration_share=0.4, seed=0)
    assert (small[0].sum(), small[1].sum()) == (2, 0)  # one stays
    alone = draw_test_and_calibration(np.zeros(1, int), np.arange(1), test_share=0.6, calibration_share=0.3, seed=0)
    assert (alone[0].sum(), alone[1].sum()) == (0, 0)


def test_copies_of_a_text_lie_in_one_part() -> None:
    rng = np.random.default_rng(1)
    texts = rng.integers(0, 120, 400)
    first = np.array([int(np.flatnonzero(texts == text)[0]) for text in texts])
    clusters = (texts % 3 + (rng.random(400) < 0.1)) % 3  # people may have put a copy elsewhere
    test, calibration = draw_test_and_calibration(clusters, first, test_share=0.3, calibration_share=0.2, seed=0)
    for part in (test, calibration):
        for text in range(120):
            assert len(set(part[texts == text])) <= 1
    assert 0.2 < test.mean() < 0.4


def test_chosen_is_the_slow_choice() -> None:
    rng = np.random.default_rng(2)
    clusters, gis, margin = rng.integers(0, 4, 200), rng.normal(size=200), rng.normal(1, 1, size=200)
    rows = np.flatnonzero(rng.random(200) < 0.7)
    for drop in (0.0, 0.1, 0.35, 0.9):
        expected_rows = set(rows.tolist())
        for cluster in range(4):
            own = sorted((row for row in rows if clusters[row] == cluster), key=lambda row: gis[row])
            vectors_agree = [row for row in own if margin[row] >= 0]
            expected_rows -= set(vectors_agree[: math.floor(drop * len(own))])
        assert drop_least_typical(rows, clusters, gis, margin, drop).tolist() == sorted(expected_rows), drop


def test_weights_balance_the_clusters() -> None:
    clusters = np.repeat([0, 1, 2], [60, 30, 10])
    assert balanced_weights(clusters, 0.0).tolist() == [1.0] * 100
    for balance in (0.5, 1.0):
        weights = balanced_weights(clusters, balance)
        assert weights.mean() == pytest.approx(1.0)
        total = np.bincount(clusters, weights)
        assert total[0] / total[2] == pytest.approx(6 ** (1 - balance))


def test_the_mass_error_by_hand() -> None:
    teacher, student = np.array([0, 0, 0, 1, 2]), np.array([0, 1, 1, 0, 2])
    assert mass_error(teacher, student, 3) == pytest.approx((1 + 1 + 0) / 5)
    assert mass_error(teacher, student, 3, np.array([10.0, 1, 1, 8, 5])) == pytest.approx((6 + 6) / 25)
    assert mass_error(np.zeros(4, int), np.ones(4, int), 2) == 2.0
    assert mass_error(np.array([0, 1]), np.array([0, 1]), 2, np.array([1.0, 1]), np.array([3.0, 1])) == 0.5


def test_scores_and_pairs_by_hand() -> None:
    teacher, student = np.array([0, 0, 0, 0, 1, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 1, 0, 1])
    confusion = np.zeros((4, 4), dtype=np.int64)
    np.add.at(confusion, (teacher, student), 1)
    scores = cluster_scores(confusion, (3, 5, 8, 9), ("a", "b", "c", "d"), (10, 20, 30, 40))
    assert [score.recall for score in scores] == [0.5, pytest.approx(2 / 3), 0.0, None]
    assert [score.precision for score in scores] == [pytest.approx(2 / 3), 0.4, None, None]
    assert [(score.mass, score.predicted_mass) for score in scores] == [
        (0.5, 0.375),
        (0.375, 0.625),
        (0.125, 0.0),
        (0, 0),
    ]
    assert scores[0].recall_interval == wilson_interval(2, 4)
    pairs = confused_pairs(
        teacher, student, np.array([9, 9, 1, 2, 9, 9, 3, 4.0]), np.arange(8) + 100, list("abcdefgh"), (3, 5, 8, 9)
    )
    assert [(p.teacher, p.student, p.documents, p.share) for p in pairs] == [
        (3, 5, 2, 0.5),
        (5, 3, 1, pytest.approx(1 / 3)),
        (8, 5, 1, 1.0),
    ]
    assert (pairs[0].rows, pairs[0].ids, pairs[0].margins) == ((103, 102), ("d", "c"), (2.0, 1.0))  # surest first


def test_a_second_count_confirms_the_report(sample: Workspace, tmp_path: Path) -> None:
    taxonomy = sample.taxonomy()
    report = distil(sample, taxonomy, tmp_path / "new" / "student", QUICK)
    student, plan = load_student(tmp_path / "new" / "student"), plan_of(sample, QUICK)
    texts = [sample.texts([int(row)])[0] for row in plan.test]
    scores = student.score(pa.array(texts))
    teacher = taxonomy.documents["cluster_id"].to_numpy()[plan.test]
    predicted = np.array(student.numbers)[scores.cluster]
    assert report.agreement == pytest.approx(np.mean(predicted == teacher))
    assert report.agreement > 3 / len(taxonomy.clusters)
    assert report.agreement_interval == wilson_interval(int((predicted == teacher).sum()), len(teacher))
    assert (report.test, report.training, report.calibration) == (
        len(teacher),
        len(plan.training),
        len(plan.calibration),
    )
    assert report.test + report.training + report.calibration + report.left_out == len(sample)
    for score, row in zip(report.clusters, report.confusion, strict=True):
        assert row.sum() == (teacher == score.number).sum() == score.test
        assert score.predicted_mass == pytest.approx(np.mean(predicted == score.number))
    tokens = sample.documents["tokens"].to_numpy()[plan.test]
    assert report.mass_error_tokens == pytest.approx(
        sum(
            abs(tokens[teacher == n].sum() / tokens.sum() - scores.tokens[predicted == n].sum() / scores.tokens.sum())
            for n in student.numbers
        )
    )
    assert report.token_error == pytest.approx(scores.tokens.sum() / tokens.sum() - 1)
    assert abs(report.token_error) < 0.05
    for pair in report.pairs:
        for row, name in zip(pair.rows, pair.ids, strict=True):
            at = plan.test.tolist().index(row)
            assert (teacher[at], predicted[at]) == (pair.teacher, pair.student)
            assert sample.documents["id"].iloc[row] == name
    assert (student.taxonomy_hash, student.labels) == (
        taxonomy.taxonomy_hash,
        tuple(c.label for c in taxonomy.clusters),
    )
    assert (report.taxonomy_key, report.student_hash) == (taxonomy.key, student.hash)
    reread = read_report(tmp_path / "new" / "student")
    assert reread.to_json() == report.to_json()
    assert (reread.confusion == report.confusion).all()
    assert reread.pairs == report.pairs
    assert reread.clusters == report.clusters
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["student"]


def test_test_documents_teach_nothing(sample: Workspace, tmp_path: Path) -> None:
    """Other words in the test documents change no weight and no bias; in the calibration documents, no weight."""
    distil(sample, sample.taxonomy(), tmp_path / "one", QUICK)
    plan = plan_of(sample, QUICK)
    first = load_student(tmp_path / "one")
    for name, rows in (("two", plan.test), ("three", np.concatenate([plan.test, plan.calibration]))):
        shutil.copytree(sample.root, tmp_path / f"workspace-{name}")
        other = Workspace(tmp_path / f"workspace-{name}")
        table = pd.read_parquet(other.root / "documents.parquet")
        table.loc[rows, "text"] = [f"zebra {row} quagga" for row in rows]
        write_parquet(other.root / "documents.parquet", table)
        distil(other, other.taxonomy(), tmp_path / name, QUICK)
        student = load_student(tmp_path / name)
        assert (student.weights == first.weights).all()
        if name == "two":
            assert student.hash == first.hash
        else:
            assert (student.bias != first.bias).any()


def test_the_teacher_is_the_taxonomy_as_people_left_it(sample: Workspace, tmp_path: Path) -> None:
    """Merged, moved, renamed and excluded: all of it is learned, under the numbers that are left."""
    before = sample.taxonomy()
    a, b, c, d = (cluster.number for cluster in before.clusters[:4])
    edit(sample, Merge((a, b)))
    moved_rows = tuple(int(row) for row in np.flatnonzero(sample.taxonomy().documents["cluster_id"] == d)[:20])
    edit(sample, Move(moved_rows, c))
    edit(sample, Rename("cluster", c, "Moved here"))
    taxonomy = edit(sample, Exclude((d,)))
    report = distil(sample, taxonomy, tmp_path / "student", QUICK)
    student = load_student(tmp_path / "student")
    assert student.numbers == tuple(cluster.number for cluster in taxonomy.clusters)
    assert len(student.numbers) == len(before.clusters) - 1
    assert d in student.numbers
    assert student.labels[student.numbers.index(c)] == "Moved here"
    plan = plan_of(sample, QUICK)
    learnt = np.isin(moved_rows, plan.training)
    assert learnt.any()
    predicted = student.score(read_texts(sample, np.sort(np.array(moved_rows)[learnt]))).cluster
    assert np.mean(np.array(student.numbers)[predicted] == c) > 0.8
    assert sum(score.training for score in report.clusters) == report.training
    soft = soft_targets(sample, taxonomy)
    np.testing.assert_allclose(soft.sum(axis=1), 1.0, rtol=1e-5)
    assert (soft.argmax(axis=1) == taxonomy.positions).all()
    assert (
        np.isin(soft[list(moved_rows)], (0.0, 1.0)).all(axis=1)
        | (taxonomy.documents["margin"].to_numpy()[list(moved_rows)] >= 0)
    ).all()
    assert (soft[taxonomy.documents["margin"].to_numpy() > 0].max(axis=1) < 1).any()


def test_moved_documents_survive_the_choice_by_score(sample: Workspace) -> None:
    number = sample.taxonomy().clusters[0].number
    far = np.flatnonzero(sample.taxonomy().positions == 5)[:10]
    edit(sample, Move(tuple(int(row) for row in far), number))
    plan = plan_of(sample, DistilSettings(drop=0.5))
    negative = far[sample.taxonomy().documents["margin"].to_numpy()[far] < 0]
    assert negative.size
    apart = set(plan.test.tolist()) | set(plan.calibration.tolist())
    assert set(negative.tolist()) - apart <= set(plan.training.tolist())
    assert plan.left_out > len(sample) / 4


def test_hard_targets_and_seeds(sample: Workspace, tmp_path: Path) -> None:
    taxonomy = sample.taxonomy()
    hard = DistilSettings(soft=False, student=QUICK.student)
    hashes = [
        distil(sample, taxonomy, tmp_path / str(at), settings).student_hash
        for at, settings in enumerate((QUICK, QUICK, DistilSettings(seed=1, student=QUICK.student), hard))
    ]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_refusals(sample: Workspace, corpus: tuple[Path, Path], tmp_path: Path) -> None:
    taxonomy = sample.taxonomy()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").touch()
    with pytest.raises(
        InputError,
        match=r"^A student needs a folder that is new or empty; got .*full, which is not\. "
        r"Choose another --out\.$",
    ):
        distil(sample, taxonomy, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["note"]
    with pytest.raises(InputError, match=r"^A student's folder must be one that can be written; got .*note/student: "):
        distil(sample, taxonomy, tmp_path / "full" / "note" / "student")
    with pytest.raises(
        InputError,
        match=r"^A student needs at least 10 documents for its test and one for its "
        r"calibration; got \d and \d+ of 651 documents\. Use a larger corpus",
    ):
        distil(sample, taxonomy, tmp_path / "none", DistilSettings(test_share=0.005))
    for bad, words in (
        ({"test_share": 0.0}, "above 0 and together"),
        ({"drop": 1.0}, "from 0 to 0.9; got 1"),
        ({"balance": -1.0}, "balance must be from 0 to 2; got -1"),
        ({"seed": -1}, "0 or more; got -1"),
    ):
        with pytest.raises(InputError, match=words):
            DistilSettings(**bad)  # type: ignore[arg-type]
    merged = edit(sample, Merge(tuple(cluster.number for cluster in taxonomy.clusters)))
    with pytest.raises(
        InputError,
        match=r"^A student tells clusters apart, so there must be two with documents; got "
        r"1\. Fit more clusters, or split the one there is\.$",
    ):
        distil(sample, merged, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_small_clusters_are_named(sample: Workspace, tmp_path: Path) -> None:
    number = sample.taxonomy().clusters[0].number
    inside = np.flatnonzero(sample.taxonomy().documents["cluster_id"] == number)
    taxonomy = edit(sample, Move(tuple(int(row) for row in inside[:2]), None))
    report = distil(sample, taxonomy, tmp_path / "student", QUICK)
    small = next(cluster.number for cluster in taxonomy.clusters if cluster.documents == 2)
    assert small in report.few
    assert all((score.test < 10) == (score.number in report.few) for score in report.clusters)
    assert next(score for score in report.clusters if score.number == small).recall is None


def test_a_stopped_distillation_leaves_nothing(sample: Workspace, tmp_path: Path) -> None:
    steps: list[str] = []

    def stop(step: str, completed: int, total: int) -> None:
        steps.append(step)
        if step == "Teaching the student":
            raise Cancelled

    with pytest.raises(Cancelled):
        distil(sample, sample.taxonomy(), tmp_path / "out" / "student", QUICK, progress=stop)
    assert list(dict.fromkeys(steps)) == [
        "split the documents",
        "read the texts",
        "Counting words",
        "Teaching the student",
    ]
    assert list((tmp_path / "out").iterdir()) == []


def test_kept_students_know_their_teacher(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    folder = student_folder(sample, taxonomy, QUICK)
    assert folder == student_folder(sample, taxonomy, QUICK) != student_folder(sample, taxonomy, DistilSettings())
    assert saved_students(sample) == ()
    distil(sample, taxonomy, folder, QUICK)
    (student,) = saved_students(sample)
    assert student.folder == folder
    assert student.matches_taxonomy(taxonomy)
    assert not student.matches_taxonomy(edit(sample, Rename("cluster", taxonomy.clusters[0].number, "Another name")))
    assert sample.undo()
    assert student.matches_taxonomy(sample.taxonomy())
    text = (folder / "report.json").read_text()
    (folder / "report.json").write_text(text[:-20])
    assert saved_students(sample) == ()
    with pytest.raises(WorkspaceError, match=r"^A student's folder must hold its whole report; got .*report\.json: "):
        read_report(folder)
    (folder / "report.json").write_text(json.dumps({**json.loads(text), "format": 9}))
    with pytest.raises(WorkspaceError, match=r"must be of format 1 or older; got 9\. Update gem-explorer\.$"):
        read_report(folder)


def test_the_command(sample: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "student"
    result = facts(run("distill", sample.root, "--out", out, "--test-share", 0.3, "--drop", 0.1, "--json"))
    assert result["student"] == str(out)
    assert DistilReport.from_json(result).to_json() == read_report(out).to_json()
    assert (result["settings"]["test_share"], result["settings"]["drop"]) == (0.3, 0.1)
    assert result["left_out"] > 0
    assert result["agreement"] > 0.4
    assert refusal(run("distill", sample.root, "--out", out)).startswith("Error: A student needs a folder")
