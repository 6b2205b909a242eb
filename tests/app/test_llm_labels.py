"""Labels by a model on the screen: nothing leaves before it was shown and sent; evidence says who gave a label."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.jobs import runner
from gem_core.pipeline import Rename, edit, naming_plan, subtopics
from gem_core.workspace import Workspace
from tests.helpers.chat_server import chat_server, keywords_of, says
from tests.helpers.cli_process import wait_for
from tests.helpers.screen import opened, table, words

SECRET = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(tmp_path / "home"))
    for name in ("GEM_LLM_API_KEY", "GEM_LLM_BASE_URL", "GEM_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)


def button(app: AppTest, label: str) -> Any:
    matches = [candidate for candidate in app.button if candidate.label.startswith(label)]
    return matches[0] if matches else None


def offer(app: AppTest, url: str, model: str) -> AppTest:
    app.text_input(key="naming_url").set_value(url)
    app.text_input(key="naming_model").set_value(model)
    button(app, "Preview requests").click().run()
    assert not app.exception
    return app


def test_it_is_off_and_shows_every_request_before_it_can_be_sent(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(sample, Rename("cluster", 3, "Mine"))
    with chat_server([says("Rivers")]) as server:
        app = opened(sample.root, monkeypatch, "taxonomy")
        assert (
            next(expander for expander in app.expander if expander.label == "Name clusters with an LLM").proto.expanded
            is False
        )
        assert "No key in GEM\\_LLM\\_API\\_KEY" in words(app) or "No key in GEM_LLM_API_KEY" in words(app)
        assert button(app, "Send") is None
        offer(app, server.url, "gemma")
        plan = naming_plan(sample)
        assert f"**{plan.requests} requests, {plan.characters:,} characters**" in words(app)
        assert "Not asked for: 1 named by a person" in words(app)
        for index, question in enumerate(plan.questions[:3]):
            app.selectbox(key="naming_request").select(index).run()
            assert [block.value for block in app.code] == [question.text]
        assert button(app, "Send").label == f"Send {plan.requests} requests to 127\\.0\\.0\\.1\\:{server.port}"
        assert server.bodies == []


def test_the_fields_come_from_the_environment_and_the_key_is_never_shown(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEM_LLM_BASE_URL", "http://gpu.example/v1")
    monkeypatch.setenv("GEM_LLM_MODEL", "gemma")
    monkeypatch.setenv("GEM_LLM_API_KEY", SECRET)
    app = opened(sample.root, monkeypatch, "taxonomy")
    assert app.text_input(key="naming_url").value == "http://gpu.example/v1"
    assert app.text_input(key="naming_model").value == "gemma"
    button(app, "Preview requests").click().run()
    assert "A key is set in GEM_LLM_API_KEY" in words(app)
    assert "The key would be sent unencrypted to gpu\\.example" in words(app)
    assert SECRET not in str(app)


def test_an_address_that_is_none_is_refused(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = offer(opened(sample.root, monkeypatch, "taxonomy"), "javascript:alert(1)", "gemma")
    assert "The base URL must be an http address" in words(app)
    assert button(app, "Send") is None


def test_labels_that_changed_since_they_were_shown_are_not_sent(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = offer(opened(sample.root, monkeypatch, "taxonomy"), "http://127.0.0.1:9/v1", "gemma")
    assert button(app, "Send") is not None
    edit(sample, Rename("cluster", 0, "Mine"))
    app.run()
    assert button(app, "Send") is None
    assert "Preview the requests again before you send" in words(app)


def test_it_is_sent_shown_and_undone(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sample.taxonomy().clusters
    first, third = (" ".join(term for term, _ in before[i].keywords[:2]) for i in (0, 2))
    answers = [f"Good {first}", "<img src=x onerror=alert(1)>", f"**Bold** [{third}](http://e.org)"]
    with chat_server(lambda i, body: says(answers[i] if i < 3 else keywords_of(body))) as server:
        app = offer(opened(sample.root, monkeypatch, "taxonomy"), server.url, "gem*ma*")
        button(app, "Send").click().run()
        job = runner.find(sample.root, "name")
        assert job is not None
        state = wait_for(lambda: (now := runner.status(job)).ended and now, 120)
    assert state.state == "finished", state.message
    app.run()
    table = next(frame.value for frame in app.dataframe if "After" in frame.value)
    assert list(table["Before"]) == [cluster.label for cluster in before]
    assert list(table["After"])[:3] == [f"Good {first}", "(kept)", f"Bold {third}"]
    assert list(table["Why kept"])[:3] == ["", "no label in the answer", ""]
    clusters = sample.taxonomy().clusters
    assert (clusters[0].label, clusters[1].label_source) == (f"Good {first}", "vocabulary")
    session = app.session_state["session"]
    session.cluster = clusters[0].number
    app.run()
    assert "Named by the language model gem\\*ma\\* from the keywords and exemplars below" in words(app)
    app.button(key="taxonomy_undo").click().run()
    assert sample.taxonomy().clusters == before


def test_evidence_says_who_named_it_and_what_it_is_made_of(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(sample, Rename("cluster", 1, "Mine"))
    app = opened(sample.root, monkeypatch, "taxonomy")
    for number, source in ((1, "Named by a person"), (2, "Named by the vocabulary")):
        session = app.session_state["session"]
        session.clear_selection()
        session.cluster = number
        app.run()
        assert source in words(app)
        parts = subtopics(sample, sample.taxonomy(), number)
        assert f"**{len(parts)} subtopics" in words(app)
        subtopic_table = table(app, f"subtopics_{number}")
        assert list(subtopic_table["Subtopic"]) == [part.label for part in parts]
        assert subtopic_table["Share"].sum() == pytest.approx(1)
