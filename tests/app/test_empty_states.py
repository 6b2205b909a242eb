"""What every screen shows when there is nothing to show: it says why and what to do next, and never a traceback."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.data import cached_results
from app.state.session import Session
from gem_core.errors import WorkspaceError
from gem_core.pipeline import Source, home, prepare
from gem_core.workspace import Workspace
from tests.helpers.screen import APP, opened, words

SCREENS = sorted(path.parent.name for path in (APP / "views").glob("*/page.py"))
BY_CLUSTERS = [screen for screen in SCREENS if screen != "corpus"]


def test_every_screen_of_the_app_is_tested_here() -> None:
    assert SCREENS == ["balance", "compare", "corpus", "explore", "export", "mixing", "student", "taxonomy"]


def test_no_workspace_says_why_and_leads_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for screen in BY_CLUSTERS:
        app = opened(tmp_path / "nothing", monkeypatch, screen)
        assert "This workspace cannot be opened" in words(app), screen
        assert str(tmp_path / "nothing") in words(app)
        assert app.button(key="no-corpus-other").label == "Open another workspace"
    app = opened(tmp_path / "nothing", monkeypatch, "corpus")
    assert "Cannot complete this action" in words(app)
    assert app.button(key="corpus_sample").label == "Open the sample"


def test_from_no_workspace_to_the_sample(built_sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(tmp_path))
    shutil.copytree(built_sample, tmp_path / "sample")
    (tmp_path / "first-visit-done").touch()
    app = opened(tmp_path / "nothing", monkeypatch)
    app.button(key="no-corpus-sample").click().run()
    assert not app.exception
    assert app.session_state["session"].root == home() / "sample"
    assert "Sample corpus" in words(app)


def test_a_workspace_that_is_broken(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (sample.root / "manifest.json").write_text('{"format": 99}')
    for screen in SCREENS:
        app = opened(sample.root, monkeypatch, screen)
        assert "manifest.json" in words(app) or "workspace" in words(app), screen


def test_a_workspace_without_a_fit_leads_to_corpus(
    corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, vectors = corpus
    workspace = prepare(Source(path, vectors=vectors), tmp_path / "unfinished")
    assert not workspace.fitted()
    for screen in BY_CLUSTERS:
        app = opened(workspace.root, monkeypatch, screen)
        assert "No clusters yet" in words(app), screen
        assert app.button(key="explore_to_corpus").label == "Open Corpus"
    assert "60 documents" in words(app)
    app = opened(workspace.root, monkeypatch, "corpus")
    assert [metric.value for metric in app.metric if metric.label == "Documents"] == ["60"]


def test_a_selection_that_has_gone_is_dropped(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for screen in BY_CLUSTERS:
        app = opened(sample.root, monkeypatch, screen)
        session = app.session_state["session"]
        session.select(len(sample) + 5, 999)
        session.group = 77
        app.run()
        assert not app.exception, screen
        assert (session.row, session.cluster, session.group) == (None, None, None)
        assert "Your selection no longer exists: document and cluster and group" in words(app)
        app.run()
        assert "no longer there" not in words(app)


def test_an_empty_search_says_what_to_try(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    app.text_input(key="explore_query").set_value("qqqqzzzz").run()
    assert not app.exception
    assert "No document contains all these words" in words(app)
    app.text_input(key="glossary_words").set_value("qqqqzzzz").run()
    assert "No matching term" in words(app)


def test_our_own_error_is_shown_in_its_three_parts(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise WorkspaceError("The disk must have room", "0 bytes <b>left</b>", "Free some")

    monkeypatch.setattr(cached_results, "preview", refused)
    app = opened(sample.root, monkeypatch, "balance")
    next(s for s in app.select_slider if s.label == "Balance strength").set_value(float("inf")).run()
    assert not app.exception
    assert "Cannot complete this action" in words(app)
    assert "The disk must have room; got 0 bytes <b>left</b>. Free some." in [text.value for text in app.text]
    assert app.button(key="balance-reset").label == "Reset"  # the controls stay


@pytest.mark.screen_fails
@pytest.mark.parametrize("screen", BY_CLUSTERS)
def test_an_error_nobody_thought_of_shows_no_traceback(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch, screen: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret <b>detail</b>" + "x" * 1000)

    app = opened(sample.root, monkeypatch, screen)
    monkeypatch.setattr("app.shell.requirements.requirements_met", broken)
    monkeypatch.setattr(Session, "taxonomy", property(broken))
    app.run()
    assert not app.exception
    all_text = words(app)
    assert "Unexpected error" in all_text
    assert "ZeroDivisionError: secret" in all_text
    assert "Reload the page" in all_text
    assert "Traceback" not in all_text
    assert "x" * 400 not in all_text
    assert any(record.exc_info for record in caplog.records if record.name == "gem_explorer")
