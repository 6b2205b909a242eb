"""gem-explorer mcp as a real process, through the client of the official SDK: one server for all tests of the file."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import Implementation

from gem_core.commands.agents.server import create_server
from gem_core.commands.agents.session import MAX_ANSWER, AgentSession
from gem_core.errors import WorkspaceError
from gem_core.pipeline import Rename, edit, replay_steps
from gem_core.pipeline.search.filters import Filter, select
from gem_core.workspace import Workspace, edits_text
from tests.helpers.cli_process import QUIET

Call = Callable[..., Any]
CHANGING = {"rename_cluster", "merge_clusters", "split_cluster", "undo", "write_note", "save_goal", "save_mix"}
EXPORTING = {"export_taxonomy", "export_weights", "export_report"}


@pytest.fixture(scope="module")
def folder(built_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample that agents may change, and a folder for exports beside it."""
    root = tmp_path_factory.mktemp("agents")
    shutil.copytree(built_sample, root / "workspace")
    (root / "exports").mkdir()
    return root


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[tuple[Call, dict[str, Any]]]:
    """Return what calls a tool, (structured answer or the text of an error), and the tools by name."""
    words = ["mcp", str(folder / "workspace"), "--allow-edits", "--export-folder", str(folder / "exports")]
    process = StdioServerParameters(command=sys.executable, args=["-m", "gem_core.cli", *words], env=dict(QUIET))
    client = Client(stdio_client(process), client_info=Implementation(name="curator\n1", version="1"))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        tools = {tool.name: tool for tool in portal.call(client.list_tools).tools}

        def call(tool: str, /, **arguments: Any) -> Any:
            result = portal.call(client.call_tool, tool, arguments)
            return result.content[0].text if result.is_error else result.structured_content

        yield call, tools


def test_every_tool_has_a_description_and_a_typed_answer(server: tuple[Call, dict[str, Any]]) -> None:
    _, tools = server
    assert set(tools) >= CHANGING | EXPORTING
    for name, tool in tools.items():
        assert len(tool.description) > 25, name
        assert tool.output_schema["properties"], name
        assert "context" not in tool.input_schema["properties"], name


def test_without_permission_no_tool_changes_anything(built_sample: Path, tmp_path: Path) -> None:
    async def names() -> dict[str, bool]:
        async with Client(create_server(AgentSession(built_sample))) as client:
            return {tool.name: bool(tool.annotations.read_only_hint) for tool in (await client.list_tools()).tools}

    with start_blocking_portal() as portal:  # The browser tests of this worker leave a loop in the main thread.
        tools = portal.call(names)
    assert all(tools.values())
    assert not set(tools) & (CHANGING | EXPORTING)
    assert "search_meaning" in tools
    with pytest.raises(WorkspaceError):
        AgentSession(tmp_path)


def test_corpus_clusters_and_groups_are_those_of_the_workspace(
    server: tuple[Call, dict[str, Any]], built_sample: Path
) -> None:
    call, _ = server
    taxonomy = Workspace(built_sample).taxonomy()
    corpus = call("describe_corpus")
    assert (corpus["documents"], corpus["clusters"], corpus["edits_allowed"]) == (651, len(taxonomy.clusters), True)
    groups = call("list_groups")["groups"]
    assert [group["clusters"] for group in groups] == [list(group.children) for group in taxonomy.groups]
    assert sum(group["share_documents"] for group in groups) == pytest.approx(1)
    inside = call("list_clusters", group=groups[0]["number"])["clusters"]
    assert [cluster["number"] for cluster in inside] == sorted(groups[0]["clusters"])
    evidence = call("read_cluster", cluster=3, documents=2, characters=80)
    ids = Workspace(built_sample).documents["id"]
    assert [line["id"] for line in evidence["exemplars"]] == list(ids.iloc[list(taxonomy.cluster(3).exemplars[:2])])
    assert "no cluster 99" in call("read_cluster", cluster=99)


def test_texts_are_handed_over_with_a_limit(server: tuple[Call, dict[str, Any]], built_sample: Path) -> None:
    call, _ = server
    workspace = Workspace(built_sample)
    ids = [str(id) for id in workspace.documents["id"].iloc[:50]]
    (line,) = call("read_documents", ids=ids[:1], characters=40, begin=10)["documents"]
    text = workspace.texts([0])[0]
    assert (line["text"], line["characters"], line["truncated"]) == (text[10:50], len(text), True)
    many = call("read_documents", ids=ids, characters=4000)["documents"]
    assert sum(len(line["text"]) for line in many) <= MAX_ANSWER
    assert "less than or equal to 4000" in call("read_documents", ids=ids[:1], characters=5000)
    assert "'nope', which is none" in call("read_documents", ids=["nope"])


def test_searches_by_words_and_by_meaning(server: tuple[Call, dict[str, Any]], built_sample: Path) -> None:
    call, _ = server
    workspace = Workspace(built_sample)
    rows = select(workspace, workspace.taxonomy(), Filter(text="water")).rows
    answer = call("search_text", words="water", limit=3)
    assert answer["matches"] == len(rows)
    assert [line["id"] for line in answer["documents"]] == list(workspace.documents["id"].iloc[rows[:3]])
    near = call("search_meaning", words="celestial bodies seen at night", limit=4)["documents"]
    like = call("search_like", id=near[0]["id"], limit=3, clusters=[near[0]["cluster"]])["documents"]
    assert like[0]["id"] == near[0]["id"]
    assert like[0]["cosine"] == pytest.approx(1, abs=1e-5)
    assert near[0]["cosine"] > near[3]["cosine"]


def test_studies_change_nothing(server: tuple[Call, dict[str, Any]]) -> None:
    call, _ = server
    before = call("list_history")
    comparison = call("compare_groupings", first="present", second="column:subject")
    assert 0 < comparison["ari"] < 1
    trial = call("preview_balance", strength="inf")
    assert trial["entropy_after"] > trial["entropy_before"]
    assert sum(row["share_after"] for row in trial["clusters"]) == pytest.approx(1)
    assert "must leave room" in call("preview_balance", strength=1, target="floor:0.5")
    parts = call("propose_split", cluster=0, parts=2)["parts"]
    assert sum(part["share"] for part in parts) == pytest.approx(1)
    assert call("propose_names")["clusters"]
    goal = call("state_goal", goal={"clusters": {"0": 1.0}})
    assert goal["gain"] > 0
    assert not goal["saved"]
    assert call("list_history") == before


def test_an_edit_is_a_step_of_the_agent_that_can_be_undone(
    server: tuple[Call, dict[str, Any]], folder: Path, sample: Workspace
) -> None:
    call, _ = server
    key = call("describe_corpus")["taxonomy_key"]
    step = call("rename_cluster", taxonomy_key=key, cluster=3, label="Bread")
    assert step["sentence"].startswith("Agent curator 1: Renamed")
    assert [(row["number"], row["label_source"]) for row in step["changed"]] == [(3, "llm")]
    merged = call("merge_clusters", taxonomy_key=step["taxonomy_key"], clusters=[0, 1])
    assert len(merged["ended"]) == 1
    assert "An edit must be made on the present clusters" in call("pin_cluster", taxonomy_key=key, cluster=3)
    assert call("write_note", taxonomy_key=merged["taxonomy_key"], cluster=3, text="Two subjects")["changed"][0][
        "note"
    ] == ("[curator 1] Two subjects")
    workspace = Workspace(folder / "workspace")
    steps = workspace.history().steps
    assert [step.edits[0].get("agent") for step in steps] == [None, "curator 1", "curator 1", "curator 1"]
    replay_steps(sample, edits_text(steps).splitlines()[1:])
    assert [step.sentence for step in sample.history().steps[1:]] == [step.sentence for step in steps[1:]]
    assert call("undo")["changed"][0]["note"] == ""
    assert call("undo")["ended"] == []
    assert call("undo")["taxonomy_key"] == key
    edit(workspace, Rename("cluster", 2, "A person's name"))
    assert "undoes only steps that an agent made; got a step of a person" in call("undo")
    workspace.undo()


def test_goals_and_mixes_are_saved_and_not_replaced(server: tuple[Call, dict[str, Any]]) -> None:
    call, _ = server
    goal = {"groups": {"0": 1.0}, "natural": 0.5}
    assert call("save_goal", name="science", goal=goal)["saved"]
    assert "replaces no saved goal" in call("save_goal", name="science", goal=goal)
    assert [line["name"] for line in call("list_goals")["goals"]] == ["corpus", "science"]
    weights = call("save_mix", name="for science", mix={"strategy": "goal", "goal": "science", "part": 0.5})
    assert weights["saved_as"] == "for science"
    assert sum(row["weight"] for row in weights["clusters"]) == pytest.approx(1)
    assert "replaces no saved mix" in call("save_mix", name="for science", mix={})
    assert "The name of a goal" in call("save_goal", name="../../x", goal=goal)


def test_exports_stay_in_their_folder(server: tuple[Call, dict[str, Any]], folder: Path) -> None:
    call, _ = server
    exports = folder / "exports"
    assert call("export_weights", file="weights.yaml", mix={}, format="regmix")["files"] == ["weights.yaml"]
    assert "taxonomy/receipt.json" in call("export_taxonomy", folder="taxonomy")["files"]
    (exports / "link").symlink_to(folder)
    for name in ("../out.csv", "/tmp/out.csv", ".hidden", "a/b.csv", "", "link", "weights.yaml"):
        assert "Error" in call("export_weights", file=name, mix={}), name
    assert sorted(path.name for path in exports.iterdir()) == ["link", "taxonomy", "weights.yaml"]
    assert sorted(path.name for path in folder.iterdir()) == ["exports", "workspace"]
