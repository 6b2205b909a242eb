"""An address opens what it names and follows what a person selects; what cannot be followed is ignored aloud."""

import base64
import json
import math
import os
import shutil
import sys
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from streamlit.testing.v1 import AppTest

from app.shell import deep_links
from app.shell.filter_codec import decode_filter, encode_filter
from app.state.session import Session
from app.views.balance.draft import BalanceDraft
from gem_core.pipeline import home
from gem_core.pipeline.search.filters import Column, Filter, Outline
from gem_core.workspace import Workspace
from tests.helpers.screen import first_page

APP = Path(__file__).resolve().parents[2] / "app"


@pytest.fixture
def at_home(built_sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace called "pool" in a home folder of its own, beside one outside it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GEM_EXPLORER_HOME", str(folder))
    shutil.copytree(built_sample, folder / "pool")
    (folder / "first-visit-done").touch()
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(folder / "pool")])
    return Workspace(folder / "pool")


def visit(page: str = "", **parts: str) -> AppTest:
    """Open a fresh tab at an address."""
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=60)
    for name, value in parts.items():
        app.query_params[name] = value
    if page:
        first_page(app, page)
    app.run()
    assert not app.exception
    return app


def notice(app: AppTest) -> str:
    return str(app.session_state["session"].link_notice)


def address(app: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


def test_an_address_opens_cluster_document_map_colour_and_words(at_home: Workspace) -> None:
    cluster = at_home.taxonomy().clusters[2]
    row = cluster.exemplars[1]
    name = str(at_home.documents["id"].iloc[row])
    parts = {
        "workspace": "pool",
        "cluster": str(cluster.number),
        "document": name,
        "map": "flat",
        "colour": "GIS",
        "query": "water",
    }
    app = visit(**parts)
    session = app.session_state["session"]
    assert (session.row, session.cluster, session.query) == (row, cluster.number, "water")
    assert app.button_group(key="explore_view").value == "Flat map"
    assert app.selectbox[0].value == "GIS"
    assert at_home.texts([row])[0] in [text.value for text in app.text]
    assert address(app) == parts
    assert notice(app) == ""


def test_the_address_follows_the_selection(at_home: Workspace) -> None:
    app = visit()
    assert address(app) == {"workspace": "pool"}
    session = app.session_state["session"]
    session.select(None, 3)
    app.run()
    assert address(app) == {"workspace": "pool", "cluster": "3"}
    row = at_home.taxonomy().cluster(3).exemplars[0]
    session.open_document(row)
    app.run()
    assert address(app)["document"] == str(at_home.documents["id"].iloc[row])
    app.button_group(key="explore_view").set_value("Flat map").run()
    assert address(app)["map"] == "flat"
    app.button(key="panel_back").click().run()
    app.button(key="panel_back").click().run()
    app.button_group(key="explore_view").set_value("Sphere").run()
    assert address(app) == {"workspace": "pool"}


def test_a_strength_in_the_address_is_tried_and_not_applied(at_home: Workspace) -> None:
    app = visit("balance", strength="exact")
    assert app.session_state["session"].drafts.get(BalanceDraft).settings.strength == math.inf
    assert address(app)["strength"] == "exact"
    assert at_home.taxonomy().settings.strength == 1.0
    app.button(key="balance-reset").click().run()
    assert "strength" not in address(app)


WRONG = {
    "cluster": ["99", "-1", "1e3", "<script>", "\u0663", "", "1 "],
    "group": ["44", "x"],
    "document": ["no such id", "x" * 5000],
    "by": ["author", "1"],
    "map": ["globe", "flat\0", ""],
    "colour": ["Column: password", "__class__"],
    "query": ["a\nb", "w" * 201, "\u202eabc"],
    "strength": ["nan", "-1", "inf", "1e999", "0x1", "1_000", "1e", ""],
    "workspace": [
        "",
        "nobody",
        ".",
        "..",
        "../outside",
        "pool/../../outside",
        "%2e%2e",
        "link",
        "~",
        "pool\\..\\..\\outside",
        "jobs",
        "broken",
    ],
}


@pytest.mark.parametrize("part", WRONG)
def test_what_cannot_be_followed_changes_nothing(at_home: Workspace, part: str) -> None:
    outside = home().parent / "outside"
    outside.symlink_to(at_home.root)
    (home() / "link").symlink_to(outside)
    (home() / "broken").mkdir()
    (home() / "broken" / "manifest.json").write_text("{")
    more = [str(outside), quote(str(outside), safe=""), os.path.relpath(outside)] if part == "workspace" else []
    for value in WRONG[part] + more:
        session = Session(root=at_home.root)
        assert not deep_links.apply_link_part(session, part, value), value
        assert session == Session(root=at_home.root), value


def test_what_was_ignored_is_said_once_and_not_repeated(at_home: Workspace) -> None:
    app = visit(cluster="<b>99</b>", query="x\ny", map="moon")
    assert notice(app) == "Ignored cluster, query and map of the link: not found in this workspace."
    captions = [caption.value for caption in app.caption if "of the link" in caption.value]
    assert len(captions) == 1
    assert "<b>" not in captions[0]
    assert address(app) == {"workspace": "pool"}
    app.switch_page("views/taxonomy/page.py").run()
    assert notice(app) == ""
    assert not any("of the link" in caption.value for caption in app.caption)


def test_the_other_parts_hold_when_one_is_wrong(at_home: Workspace) -> None:
    app = visit(cluster="3", map="flat", colour="nothing", document="nobody")
    assert app.session_state["session"].cluster == 3
    assert notice(app) == "Ignored document and color of the link: not found in this workspace."


def test_another_workspace_of_the_home_folder_opens(at_home: Workspace) -> None:
    shutil.copytree(at_home.root, home() / "second one")
    app = visit(workspace="second one", cluster="4")
    assert app.session_state["session"].root == home() / "second one"
    assert address(app) == {"workspace": "second one", "cluster": "4"}


def test_a_workspace_outside_home_is_not_named_and_foreign_parts_stay(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(sample.root)])
    app = visit(cluster="2", embed="true", mine="1")
    assert address(app) == {"cluster": "2", "embed": "true", "mine": "1"}


FILTER = Filter(
    columns=(Column("subject", values=("chess", "")),),
    tokens=(100, None),
    clusters=(3, 5),
    outline=Outline(((0.0, 0.0), (0.5, 0.0), (0.5, 0.25)), turn=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)),
)


def test_a_link_carries_filter_search_duplicates_and_compared_sides(at_home: Workspace) -> None:
    similar = str(at_home.documents["id"].iloc[4])
    parts = {
        "workspace": "pool",
        "filter": encode_filter(FILTER),
        "similar": similar,
        "nearest": "50",
        "duplicates": "0.9",
        "a": "kmeans",
        "b": "column:subject",
    }
    app = visit("compare", **parts)
    session = app.session_state["session"]
    assert session.filter == FILTER
    assert (session.similar_to, session.nearest, session.duplicate_threshold) == (4, 50, 0.9)
    assert [app.selectbox(key=key).value for key in ("compare_a", "compare_b")] == ["kmeans", "column:subject"]
    assert address(app) == parts
    assert notice(app) == ""


def test_a_link_to_an_unknown_workspace_stops_and_names_it(at_home: Workspace) -> None:
    app = visit(workspace="nope", cluster="3")
    assert any('"nope"' in text.value for text in app.text)
    assert app.session_state["session"].cluster is None
    assert not app.button_group
    app.button(key="missing-workspace-current").click().run()
    assert address(app) == {"workspace": "pool"}
    assert app.button_group(key="explore_view").value == "Sphere"


HOSTILE = [
    "",
    "x",
    "x" * 5000,
    base64.urlsafe_b64encode(zlib.compress(b"[" * 50_000)).decode().rstrip("="),
    base64.urlsafe_b64encode(zlib.compress(b" " * 10_000_000)).decode().rstrip("=")[:4000],
    *(
        base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode().rstrip("=")
        for value in (
            [],
            {"x": 1},
            {"tokens": [1]},
            {"tokens": [True, None]},
            {"tokens": [float("nan"), None]},
            {"clusters": [-1]},
            {"clusters": list(range(500))},
            {"text": "a\nb"},
            {"saved": 3},
            {"columns": [{"values": ["a"]}]},
            {"outline": {"points": [[0, 0]], "turn": []}},
            {"outline": {"points": [[0, 0], [1, 0], [1, "x"]], "turn": []}},
        )
    ),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_filter_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode_filter(text)
