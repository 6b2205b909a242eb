"""Corpus: facts and refusals of the open workspace, changing it, setting up an own corpus, jobs in every state."""

import fcntl
import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.data.home_folder import keep_upload, new_workspace, safe_name, suggested_name
from app.jobs import runner
from app.views.corpus.draft import WorkspaceDraft
from app.views.corpus.new_workspace import _column_options
from gem_core.corpus import Columns, choose_columns, preview, read_corpus
from gem_core.errors import InputError
from gem_core.pipeline import home
from gem_core.workspace import Workspace
from gem_core.workspace.store import READ_ONLY
from tests.helpers.cli_process import texts, wait_for
from tests.helpers.screen import APP, opened, words

HOSTILE = "<img src=x onerror=alert(1)> **b** [x](http://e.org)"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(tmp_path / "home"))


def page(state: str, workspace: Path, **more: str) -> Path:
    """Lay down the folder of a job in a state, as a dead process leaves it."""
    folder = home() / "jobs" / state
    folder.mkdir(parents=True)
    value = {
        "title": HOSTILE,
        "arguments": ["fit", str(workspace)],
        "workspace": str(workspace),
        "started": time.time() - 60,
    }
    (folder / "job.json").write_text(json.dumps(value))
    for name, text in more.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def test_what_is_open_is_said(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sample.root / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "name": HOSTILE, "refused": {"too_short": 2, "duplicate_id": 1}}))
    refused = pd.DataFrame(
        {
            "row": [3, 5, 9],
            "id": ["a", "=cmd", HOSTILE],
            "reason": ["too_short", "duplicate_id", "too_short"],
            "detail": ["1 word", "x", HOSTILE],
        }
    )
    refused.to_parquet(sample.root / "refused.parquet", index=False)
    app = opened(sample.root, monkeypatch, "corpus")
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Documents"] == f"{len(sample):,}"
    assert figures["Skipped rows"] == "3"
    all_text = [text.value for text in app.text]
    assert HOSTILE in all_text  # as plain text; in Markdown only escaped
    assert str(sample.root) in all_text
    assert not any(HOSTILE in piece.value for piece in (*app.markdown, *app.caption))
    assert "2 too short, 1 duplicate id" in app.expander[0].label.replace("\\", "")


def test_another_workspace_is_opened(sample: Workspace, built_sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch, "corpus")
    session = app.session_state["session"]
    session.row = 3
    assert app.button(key="corpus_open_other").disabled
    app.text_input(key="corpus_folder").set_value(str(built_sample.parent)).run()
    app.button(key="corpus_open_other").click().run()
    assert "which has none" in words(app)
    assert session.root == sample.root
    app.text_input(key="corpus_folder").set_value(str(built_sample)).run()
    app.button(key="corpus_open_other").click().run()
    assert (session.root, session.row) == (built_sample, None)
    assert not app.exception


def test_an_unreadable_workspace_leaves_a_way_out(
    sample: Workspace, built_sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(sample.root, monkeypatch, "corpus")
    (sample.root / "manifest.json").write_text("{")
    app.run()
    assert "Every part of a workspace must be whole" in words(app)
    assert "gem-explorer check" in words(app)
    app.text_input(key="corpus_folder").set_value(str(built_sample)).run()
    app.button(key="corpus_open_other").click().run()
    assert app.session_state["session"].root == built_sample


def test_a_path_is_looked_at_measured_and_built(
    sample: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form asks the right questions and starts the right command; the job runs in a real process."""
    path = tmp_path / "my pool.csv"
    pd.DataFrame(
        {"key": range(14), "body": [*texts(12), HOSTILE * 1000, ""], "topic": ["a", "b"] * 7, "n_tokens": [9] * 14}
    ).to_csv(path, index=False)
    app = opened(sample.root, monkeypatch, "corpus")
    app.segmented_control(key="corpus_way").set_value("Path or address").run()
    app.text_input(key="corpus_path").set_value(str(tmp_path / "nowhere.csv")).run()
    assert "Check the path" in words(app)
    app.text_input(key="corpus_path").set_value("ftp://host/corpus.csv").run()
    assert any("got ftp://host/corpus.csv" in text.value for text in app.text)
    app.text_input(key="corpus_path").set_value(str(path)).run()
    preview_table = next(table.value for table in app.dataframe if "body" in table.value)
    assert preview_table["body"].str.len().max() <= 160  # a long text never rides to the browser
    columns = {role: app.selectbox(key=f"corpus_column_{role}").value for role in ("text", "id", "label", "tokens")}
    assert columns == {"text": "body", "id": "key", "label": "topic", "tokens": "n_tokens"}
    draft = app.session_state["session"].drafts.get(WorkspaceDraft)
    estimate = draft.estimate
    wait_for(lambda: runner.status(estimate).ended, 120)
    app.run()
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Embedding time"].endswith(" s"), words(app)
    refused = [metric.value for metric in app.metric if metric.label == "Skipped rows"]
    assert refused == ["0", "1"]
    name = next(box for box in app.text_input if box.label == "Name")
    assert name.value == "my pool"
    for bad in ("../out", "", "jobs", "a/b", ".hidden"):
        name.set_value(bad).run()
        assert app.button(key="corpus_start").disabled
        assert "; got " in words(app), bad
        assert runner.list_jobs() == []
    app.selectbox(key="corpus_column_tokens").set_value("").run()
    next(box for box in app.text_input if box.label == "Name").set_value("own").run()
    next(box for box in app.number_input if box.label == "Clusters").set_value(900).run()
    wait_for(lambda: runner.status(draft.estimate).ended, 120)
    app.run()
    assert "900 clusters need at least as many documents; the corpus has 13" in words(app)
    assert app.button(key="corpus_start").disabled
    next(box for box in app.number_input if box.label == "Clusters").set_value(3).run()
    app.button(key="corpus_start").click().run()
    assert not app.exception
    job = runner.list_jobs()[0]
    assert job.workspace == str(home() / "own")
    assert {"--text-column=body", "--tokens-column=", "--clusters=3", "--encoder=packaged"} <= set(job.arguments)
    assert not any("--id-column" in argument for argument in job.arguments)  # a guess must not refuse rows
    assert any("own" in piece.value for piece in app.markdown)
    wait_for(lambda: runner.status(job).ended, 180)
    app.run()
    assert "13 documents in 3 clusters" in words(app), runner.status(job)
    app.button(key=f"open_{job.folder.name}").click().run()
    assert app.session_state["session"].root == (home() / "own").resolve()
    assert runner.list_jobs() == []
    assert not app.exception


def test_reading_and_encoder_options_reach_the_command(
    sample: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Windows file without header: refused by name of the control, then shown and estimated as it is."""
    commands: list[list[str]] = []
    monkeypatch.setattr(
        "app.views.corpus.new_workspace.show_estimate", lambda draft, words, own: commands.append(words)
    )
    path = tmp_path / "sätze.tsv"
    path.write_bytes("".join(f"{i}\tdie Bäckerei öffnet früh am Morgen\n" for i in range(9)).encode("utf-16"))
    app = opened(sample.root, monkeypatch, "corpus")
    app.segmented_control(key="corpus_way").set_value("Path or address").run()
    app.text_input(key="corpus_path").set_value(str(path)).run()
    assert "--encoding utf-16" in words(app)
    assert "Set **Encoding** under Reading options above." in words(app)
    app.text_input(key="corpus_encoding").set_value("utf-16").run()
    assert any("select **First row is data**" in box.value for box in app.warning)
    app.checkbox(key="corpus_no_header").set_value(True).run()
    assert not app.warning
    assert len(next(table.value for table in app.dataframe if "column 2" in table.value)) == 9
    app.number_input(key="corpus_min_words").set_value(2).run()
    app.text_input(key="corpus_prompt").set_value("passage: ").run()
    app.text_input(key="corpus_query_prompt").set_value("query: ").run()
    app.number_input(key="corpus_max_tokens").set_value(64).run()
    assert not app.exception
    assert {
        "--encoding=utf-16",
        "--no-header",
        "--min-words=2",
        "--prompt=passage: ",
        "--query-prompt=query: ",
        "--max-tokens=64",
        "--text-column=column 2",
    } <= set(commands[-1])


def test_a_guessed_id_that_repeats_is_said(tmp_path: Path) -> None:
    """Two shards with ids 0 and 1 each: the form passes no id column, and the figures name the note."""
    for shard in "ab":
        lines = "".join(f'{{"id": {i}, "text": "bees dance in circles"}}\n' for i in range(2))
        (tmp_path / f"{shard}.jsonl").write_text(lines)
    look = preview(tmp_path)
    assert look.guesses.id == "id"
    assert _column_options(look.guesses, look) == ["--text-column=text", "--label-column=", "--tokens-column="]
    assert "--id-column=text" in _column_options(Columns("id", "text"), look)
    columns = choose_columns(tmp_path, text="text", label="", tokens="")
    corpus = read_corpus(tmp_path, columns=columns, counter="words")
    assert len(corpus.documents) == 4

    def script(notes: list[str]) -> None:
        from app.views.corpus.estimate import _figures

        facts = {"documents": 4, "tokens": 20, "tokens_from": "words", "refused": {}}
        _figures({**facts, "documents_per_second": 9.0, "seconds": 1.0, "notes": notes}, False)

    app = AppTest.from_function(script, args=(list(corpus.notes),)).run()
    assert "documents are named by file and row" in words(app)


def test_jobs_that_ended_badly_are_explained(
    sample: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = f"the text column must be in {HOSTILE}; got b. Do c."
    page("failed", tmp_path / "a", log_txt=f"embed: 1 of 2\nError: {reason}\n")
    page("stopped", tmp_path / "b", log_txt="Stopped; what was finished is kept.\n")
    app = opened(sample.root, monkeypatch, "corpus")
    all_text = [text.value for text in app.text]
    assert reason[0].upper() + reason[1:] in all_text
    assert "Stopped. Finished work is kept." in all_text
    assert not any(HOSTILE in piece.value for piece in (*app.markdown, *app.caption))
    app.button(key="dismiss_corpus_failed").click().run()
    assert [job.folder.name for job in runner.list_jobs()] == ["stopped"]
    app.button(key="resume_corpus_stopped").click().run()
    assert [job.arguments for job in runner.list_jobs()] == [("fit", str(tmp_path / "b"))]
    assert not app.exception


def test_a_running_job_is_shown_cancelled_and_ended(
    sample: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = {"step": "embed", "done": 120, "total": 400, "rate": 12.5, "left": 22.4, "at": 0}
    folder = page("running", tmp_path / "a", progress_json=json.dumps(progress), log_txt="embed: 120 of 400\n")
    with (folder / "alive").open("w") as alive_file:  # as a live process holds it
        fcntl.flock(alive_file, fcntl.LOCK_EX)
        app = opened(sample.root, monkeypatch, "corpus")
        all_text = words(app)
        assert "Embedding" in all_text
        assert "120 of 400, 12 per second, about 22 s left in this step, running for 1 min" in all_text.replace(
            "\\", ""
        )
        assert [box.label for box in app.expander if box.label == "Log"] == ["Log"]
        app.button(key="cancel_corpus_running").click().run()
        assert "Stopping; finished work is kept" in words(app)
        assert app.button(key="end_corpus_running").label == "Force stop"
    app.run()
    assert "Stopped. Finished work is kept." in words(app)
    assert app.button(key="resume_corpus_running").label == "Resume"
    assert not app.exception


def test_documents_are_added_and_assigned(sample: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame({"id": ["n1"], "text": ["A loaf of bread from the oven"]}).to_csv(tmp_path / "more.csv", index=False)
    app = opened(sample.root, monkeypatch, "corpus")
    app.session_state["corpus_add"] = True
    app.run()
    assert "Adding cannot be undone" in words(app)
    app.button(key="corpus_add_start").click().run()
    assert "Documents come from a file; got none" in words(app)
    app.text_input(key="corpus_more_path_0").set_value(str(tmp_path / "nowhere.csv")).run()
    app.button(key="corpus_assign_start").click().run()
    assert "nowhere.csv" in words(app)
    assert not runner.list_jobs()
    app.text_input(key="corpus_more_path_0").set_value(str(tmp_path / "more.csv")).run()
    app.button(key="corpus_add_start").click().run()
    [job] = runner.list_jobs()
    runner.cancel(job)
    assert job.arguments == ("add", str(sample.root), str(tmp_path / "more.csv"))
    assert not app.exception
    wait_for(lambda: runner.status(job).ended)


def test_what_an_addition_did_is_said(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"documents": 40, "skipped": 20, "refused": {"too_short": 2}, "fits_badly": 5, "suggests_refit": True}
    folder = page("ended", sample.root, result_json=json.dumps({"added": counts}), exit="0\n")
    job = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps({**job, "arguments": ["add", str(sample.root)]}))
    all_text = words(opened(sample.root, monkeypatch, "corpus"))
    assert "40 documents added, 20 skipped as known, 2 too short, 5 fit badly" in all_text
    assert "consider a refit in Balance" in all_text


def test_a_read_only_server_adds_nothing(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(READ_ONLY, "1")
    assert "Add documents" not in [box.label for box in opened(sample.root, monkeypatch, "corpus").expander]


def test_an_upload_is_kept_under_a_safe_name(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch, "corpus")
    app.file_uploader(key="corpus_upload_0").set_value(("..%2F <b>.csv", b"text\n", "text/csv")).run()
    assert "must hold at least one row" in words(app)
    uploads = [path for path in (home() / "uploads").rglob("*") if path.is_file()]
    assert [path.name for path in uploads] == ["2F -b-.csv"]
    assert not app.exception


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 300 + ".jsonl.gz", "..", "新闻.csv", "a\0b\n.csv", "=x|y"])
def test_names_stay_inside(name: str) -> None:
    safe = safe_name(name)
    assert safe == Path(safe).name
    assert len(safe) <= 60
    assert safe_name(safe) == safe
    path = keep_upload(name, b"some bytes")
    assert path.resolve().is_relative_to(home().resolve() / "uploads")
    assert path == keep_upload(name, b"some bytes")
    assert new_workspace(suggested_name(Path("/x/" + safe))).parent == home().resolve()


def test_a_taken_name_is_refused() -> None:
    (home() / "pool").mkdir(parents=True)
    assert suggested_name(Path("pool.csv")) == "pool-2"
    for name in ("pool", "sample", "Jobs", "a" * 61, "x\0"):
        with pytest.raises(InputError):
            new_workspace(name)


def test_nothing_heavy_is_loaded(sample: Workspace) -> None:
    """The screen measures and builds in other processes: it never loads the encoder itself."""
    source: list[Any] = [path.read_text() for path in (APP / "views").glob("corpus*.py")]
    assert not any(word in text for text in source for word in ("load_encoder", "estimate_embedding", "embed("))
