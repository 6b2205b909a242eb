"""Student: one button at first, then what the report says, documents of a disagreement, a folder labeled as a job."""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.charts.student import matrix
from app.jobs import runner
from app.views.student.agreement import ordered
from app.views.student.label_folder import totals_csv
from gem_core._formatting import percent
from gem_core.pipeline import Exclude, Rename, edit
from gem_core.pipeline.labeling.totals import read_totals
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.token_pool import pool_tokens
from gem_core.pipeline.student.distil import DistilSettings, distil
from gem_core.pipeline.student.registry import saved_students, student_folder
from gem_core.student import StudentConfig
from gem_core.workspace import Workspace
from tests.helpers.cli_process import wait_for
from tests.helpers.screen import opened, row_list, words

APP = Path(__file__).resolve().parents[2] / "app"

HOSTILE = "<img src=x onerror=alert(1)> **[x](http://x.invalid)**"
QUICK = DistilSettings(student=StudentConfig(buckets=1 << 14, epochs=3))


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "first-visit-done").touch()
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def _taught(built_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("taught") / "sample"
    shutil.copytree(built_sample, root)
    workspace = Workspace(root)
    distil(workspace, workspace.taxonomy(), student_folder(workspace, workspace.taxonomy(), QUICK), QUICK)
    return root


@pytest.fixture
def taught(_taught: Path, tmp_path: Path) -> Workspace:
    """A copy of the sample with a student, which a test may change."""
    shutil.copytree(_taught, tmp_path / "taught")
    return Workspace(tmp_path / "taught")


def open_student(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, view: str = "") -> AppTest:
    app = opened(workspace.root, monkeypatch, "student")
    if view:
        app.segmented_control(key="student_view").set_value(view).run()
    assert not app.exception
    return app


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The table that has a column."""
    first_table: pd.DataFrame = next(frame.value for frame in app.dataframe if column in frame.value.columns)
    return first_table


def test_from_the_button_to_the_finding(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_student(sample, monkeypatch)
    assert "No classifier trained yet" in words(app)
    assert not [button for button in app.button if button.key == "student-label-start"]
    app.number_input(key="student-seed-first").set_value(3).run()
    app.button(key="student-start-first").click().run()
    job = runner.find(sample.root, "distill")
    assert job is not None
    state = wait_for(lambda: (now := runner.status(job)).ended and now, 120)
    assert state.state == "finished", state.message
    app.run()
    (student,) = saved_students(sample)
    low, high = student.report.agreement_interval
    assert (
        f"Agrees with the taxonomy on {percent(student.report.agreement)} of {student.report.test:,} held-out "
        f"documents ({percent(low)} to {percent(high)})"
    ) in words(app)
    assert student.report.settings["seed"] == 3
    assert student.folder == student_folder(sample, sample.taxonomy(), DistilSettings(seed=3))
    app.number_input(key="student-seed-another").set_value(3).run()
    assert app.button(key="student-start-another").disabled  # that student is there
    assert "This student exists already" in words(app)


def test_the_numbers_are_those_of_the_report(taught: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    report = saved_students(taught)[0].report
    app = open_student(taught, monkeypatch)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Share error"] == percent(report.mass_error)
    assert metrics["Share error, tokens"] == percent(report.mass_error_tokens)
    assert metrics["Lowest recall"] == percent(
        min(score.recall for score in report.clusters if score.recall is not None and score.test >= 10)
    )
    assert metrics["Documents per second"] == f"{report.documents_per_second:,.0f}"
    scores = {score.label: score for score in report.clusters}
    rows = table(app, "Precision")
    assert sorted(rows["Cluster"]) == sorted(scores)
    for _, row in rows.iterrows():
        score = scores[row["Cluster"]]
        assert row["Recall"] == pytest.approx(100 * (score.recall or 0.0))
        assert (row["Share"], row["Student"]) == pytest.approx((100 * score.mass, 100 * score.predicted_mass))
        assert row["Change"] == pytest.approx(row["Student"] - row["Share"], abs=0.051)
        assert row["Test documents"] == score.test
    heat = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]
    counts = [
        [cell.split("<br>")[1].split(" documents")[0] if cell else "0" for cell in row] for row in heat["customdata"]
    ]
    order = ordered(report, taught.taxonomy())
    assert counts == [[str(n) for n in row] for row in report.confusion[np.ix_(order, order)]]
    assert f"{percent(report.agreement_sure or 0)} on the half with larger" in words(app)


def test_the_matrix_stands_in_the_order_of_the_tree(taught: Workspace) -> None:
    report, taxonomy = saved_students(taught)[0].report, taught.taxonomy()
    order = ordered(report, taxonomy)
    assert sorted(order) == list(range(len(report.clusters)))
    groups = [taxonomy.cluster(report.clusters[at].number).group for at in order]
    assert len([1 for a, b in pairwise(groups) if a != b]) == len(taxonomy.groups) - 1
    assert ordered(report, None) == list(range(len(report.clusters)))
    counts = np.array([[3, 1], [0, 0]])
    figure = matrix(counts, ["<b>one</b>", "two & three"], dark=False)
    heat = figure.data[0]
    np.testing.assert_array_equal(heat.z, [[0.75, 0.25], [np.nan, np.nan]])
    assert heat.customdata[0][1] == "&lt;b&gt;one&lt;/b&gt; → two &amp; three<br>1 documents, 25.0% of the first"
    assert figure.layout.yaxis.ticktext == ("&lt;b&gt;one&lt;/b&gt;", "two &amp; three")


def test_documents_of_a_disagreement_are_read_beside_typical_ones(
    taught: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = saved_students(taught)[0].report
    pair = max(report.pairs, key=lambda pair: len(pair.rows))
    assert len(pair.rows) > 1
    app = open_student(taught, monkeypatch)
    first = report.pairs[0]
    assert taught.texts([first.rows[0]])[0] in [text.value for text in app.text]
    pair_list = row_list(app, "student-pair-table")
    assert pair_list is not None
    assert list(pair_list["Documents"]) == [pair.documents for pair in report.pairs]
    exemplar = taught.taxonomy().cluster(first.student).exemplars[0]
    assert taught.texts([exemplar])[0] in [text.value for text in app.text]
    app.segmented_control(key="student-whose").set_value("Taxonomy's cluster").run()
    exemplars = taught.taxonomy().cluster(first.teacher).exemplars
    assert taught.texts([exemplars[0]])[0] in [text.value for text in app.text]
    app.button(key="student-next-typical").click().run()
    assert taught.texts([exemplars[1]])[0] in [text.value for text in app.text]
    if len(first.rows) > 1:
        app.button(key="student-next-wrong").click().run()
        assert taught.texts([first.rows[1]])[0] in [text.value for text in app.text]


def test_a_changed_taxonomy_says_so(taught: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    taxonomy = taught.taxonomy()
    assert "has changed since training" not in words(open_student(taught, monkeypatch))
    edit(taught, Rename("cluster", taxonomy.clusters[0].number, HOSTILE))
    app = open_student(taught, monkeypatch)
    assert "The taxonomy has changed since training" in words(app)
    assert taxonomy.clusters[0].label in list(table(app, "Precision")["Cluster"])  # the name of then
    assert not app.button(key="student-start-another").disabled


def test_names_are_shown_as_they_are_and_nothing_in_them_runs(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cluster in sample.taxonomy().clusters:
        edit(sample, Rename("cluster", cluster.number, f"{HOSTILE} {cluster.number}"))
    edit(sample, Exclude((sample.taxonomy().clusters[0].number,)))
    distil(sample, sample.taxonomy(), student_folder(sample, sample.taxonomy(), QUICK), QUICK)
    app = open_student(sample, monkeypatch)
    markup = "\n".join(str(element.value) for kind in (app.markdown, app.caption) for element in kind)
    assert r"\<img src" in markup
    assert not re.search(r"(?<!\\)<img", markup)
    assert "](http" not in markup
    assert table(app, "Precision")["Cluster"].str.startswith("<img").all()


def test_a_teacher_that_is_gone_and_a_corpus_that_was_read_anew(
    taught: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved_students(taught)[0].folder / "report.json"
    text = path.read_text()
    key, data = taught.taxonomy().key, taught.manifest.data_hash
    path.write_text(text.replace(key, "0" * 16))
    app = open_student(taught, monkeypatch)
    assert "has been deleted; its exemplars are unavailable" in words(app)
    assert "Agrees with the taxonomy on" in words(app)
    path.write_text(text.replace(data, "0" * len(data)))
    app = open_student(taught, monkeypatch)
    assert "The corpus has changed since training" in words(app)


def test_several_students_can_be_chosen(taught: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    other = DistilSettings(seed=1, student=QUICK.student)
    distil(taught, taught.taxonomy(), student_folder(taught, taught.taxonomy(), other), other)
    new, old = saved_students(taught)
    app = open_student(taught, monkeypatch)
    assert f"on {percent(new.report.agreement)} of" in words(app)
    pick = next(selectbox for selectbox in app.selectbox if str(selectbox.key).startswith("student-which"))
    assert len(pick.options) == 2
    pick.set_value(old.folder.name).run()
    assert f"on {percent(old.report.agreement)} of" in words(app)
    assert "--seed 0" in words(app)
    edit(taught, Rename("cluster", taught.taxonomy().clusters[0].number, "Renamed"))
    third = DistilSettings(seed=2, student=QUICK.student)
    distil(taught, taught.taxonomy(), student_folder(taught, taught.taxonomy(), third), third)
    assert taught.undo()
    assert f"on {percent(new.report.agreement)} of" in words(open_student(taught, monkeypatch))  # not the one made last


def shards(folder: Path, workspace: Workspace, count: int = 3) -> pd.DataFrame:
    folder.mkdir()
    whole = pd.DataFrame({"text": list(workspace.all_texts()), "n": range(len(workspace))})
    for at in range(count):
        whole.iloc[at::count].to_parquet(folder / f"part-{at}.parquet", index=False)
    return whole


def test_a_folder_is_labelled_as_a_job(taught: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(taught, Rename("cluster", taught.taxonomy().clusters[0].number, "=1+1"))
    distil(taught, taught.taxonomy(), student_folder(taught, taught.taxonomy(), QUICK), QUICK)
    shards(tmp_path / "pool", taught)
    app = open_student(taught, monkeypatch, "Label a folder")
    assert app.button(key="student-label-start").disabled
    app.text_input(key="student-in").set_value(str(tmp_path / "pool"))
    app.text_input(key="student-out").set_value(str(tmp_path / "labelled"))
    app.number_input(key="student-workers").set_value(1).run()
    assert "3 shards" in words(app)
    assert f"label {saved_students(taught)[0].folder} {tmp_path / 'pool'} {tmp_path / 'labelled'}" in words(app)
    app.button(key="student-label-start").click().run()
    job = runner.find(taught.root, "label")
    assert job is not None
    state = wait_for(lambda: (now := runner.status(job)).ended and now, 120)
    assert state.state == "finished", state.message
    app.run()
    totals: dict[str, Any] = read_totals(tmp_path / "labelled")
    assert f"{len(taught):,} documents, about {totals['tokens']:,} tokens" in words(app)
    assert "3 of 3 shards labeled." in words(app)
    assert "Give this folder as **Pool size** on Mixing" in words(app)
    assert sum(pool_tokens(domains_of(taught, taught.taxonomy()), str(tmp_path / "labelled"))) == totals["tokens"]
    rows = table(app, "Share in corpus").set_index("Cluster")
    for cluster in totals["clusters"]:
        assert rows["Documents"][cluster["label"]] == cluster["documents"]
        assert rows["Share"][cluster["label"]] == pytest.approx(100 * cluster["share_tokens"])
    assert rows["Documents"].sum() == len(taught)
    own = {c.label: 100 * c.tokens / taught.manifest.tokens for c in taught.taxonomy().clusters}
    assert rows["Share in corpus"].to_dict() == pytest.approx(own)
    file = totals_csv(totals).decode()
    assert "'=1+1" in file
    assert ",=1+1" not in file


def test_a_folder_that_cannot_be_labelled_is_refused_at_once(
    taught: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards(tmp_path / "pool", taught)
    app = open_student(taught, monkeypatch, "Label a folder")
    app.text_input(key="student-in").set_value("ftp://host/pool").run()
    assert any("got ftp://host/pool" in text.value for text in app.text)
    app.text_input(key="student-in").set_value(str(tmp_path / "nothing"))
    app.text_input(key="student-out").set_value(str(tmp_path / "pool" / "inside")).run()
    assert "The input must be a folder of shards" in words(app)
    app.text_input(key="student-in").set_value(str(tmp_path / "pool")).run()
    app.button(key="student-label-start").click().run()
    assert "The output must be a folder outside the input" in words(app)
    app.text_input(key="student-out").set_value(str(tmp_path / "out"))
    app.text_input(key="student-text-column").set_value("body").run()
    app.button(key="student-label-start").click().run()
    assert "Every shard must have the column 'body'" in words(app)
    assert runner.find(taught.root, "label") is None


def test_a_labelling_that_was_stopped_or_failed(
    taught: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shards(tmp_path / "pool", taught)
    (tmp_path / "pool" / "part-1.parquet").write_bytes(b"PAR1 broken")
    folder = saved_students(taught)[0].folder
    job = runner.start(
        "Labels",
        ["label", str(folder), str(tmp_path / "pool"), str(tmp_path / "out"), "--workers", "1", "--resume"],
        taught.root,
    )
    state = wait_for(lambda: (now := runner.status(job)).ended and now, 120)
    assert state.state == "failed"
    app = open_student(taught, monkeypatch, "Label a folder")
    all_text = words(app)
    assert "Every shard must be one that can be read" in all_text
    assert "2 of 3 shards labeled." in all_text
    assert "Cannot read a shard" in all_text
    assert f"{len(whole) * 2 // 3:,} documents" in all_text
