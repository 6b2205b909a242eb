"""Labels by a model in a real browser, from the fields to undo, with answers that would do harm."""

from pathlib import Path
from typing import Any

import pytest

from gem_core.workspace import Workspace
from tests.helpers.chat_server import chat_server, keywords_of, says
from tests.helpers.cli_process import wait_for
from tests.helpers.pages import ready

pytestmark = pytest.mark.browser
HOSTILE = [
    "<img src=x onerror=window.harmed=1>Rivers",
    "<script>window.harmed=1</script>Bread",
    "[Stars](javascript:window.harmed=1)",
    "![x](http://evil.example/pixel.png) Engines",
    "$$\\href{javascript:alert(1)}{Law}$$",
    "\u202eMoney\u202c",
    "<b>Code</b>",
    "=HYPERLINK(1)",
    "<i>Ships</i>",
    "Wine & <u>cheese</u>",
    "**Maps**",
    "`Clocks`",
    "Birds<br>",
]  # One for each cluster and one for the request that is asked again. Keywords make an answer related to its cluster.


def settled(page: Any, seconds: float = 0.5) -> None:
    page.wait_for_timeout(int(1000 * seconds))
    ready(page)


def sources(workspace: Workspace) -> list[str]:
    return [cluster.label_source for cluster in Workspace(workspace.root).taxonomy().clusters]


def test_shown_sent_cancelled_resumed_and_undone(
    serve: Any, browser_page: Any, sample: Workspace, tmp_path: Path
) -> None:
    before = sample.taxonomy().clusters
    slow = 3  # the request that is canceled
    with chat_server(
        lambda i, body: says(f"{HOSTILE[i % len(HOSTILE)]} {keywords_of(body, 4)}", wait=60 if i == slow else 0)
    ) as server:
        served = serve(
            "app/main.py",
            "--workspace",
            str(sample.root),
            env={"GEM_EXPLORER_HOME": str(tmp_path / "home"), "GEM_LLM_API_KEY": "sk-very-secret"},
        )
        page = browser_page(f"{served.url}/taxonomy")
        page.set_default_timeout(120_000)
        settled(page, 1)
        page.get_by_text("Name clusters with an LLM").first.click()
        page.get_by_role("textbox", name="Base URL").fill(server.url)
        page.get_by_role("textbox", name="Model").fill("gemma")
        page.get_by_role("textbox", name="Model").press("Tab")
        settled(page)
        page.get_by_role("button", name="Preview requests").click()
        page.get_by_text(f"{len(before)} requests").first.wait_for()
        assert server.bodies == []
        page.get_by_role("button", name=f"Send {len(before)} requests to 127.0.0.1").click()
        wait_for(lambda: len(server.bodies) == slow + 1, 120)
        page.get_by_role("button", name="Cancel").first.click()
        wait_for(lambda: sources(sample).count("llm") == slow, 240)
        page.mouse.move(5, 500)  # A notice under the pointer stays, and it lies over the button.
        page.get_by_role("button", name="Resume").first.click()
        wait_for(lambda: sources(sample).count("llm") == len(before), 240)
        page.get_by_text(f"{len(before) - slow} of {len(before) - slow} names given by gemma").first.wait_for()
        assert len(server.bodies) == len(before) + 1  # the canceled one was asked again, no other
        for _ in range(2):  # one step for each part of the job
            ready(page)
            position = Workspace(sample.root).history().position
            page.get_by_role("button", name="Undo").first.click()
            wait_for(lambda at=position: Workspace(sample.root).history().position == at - 1, 120)
        assert sources(sample).count("llm") == 0
    assert Workspace(sample.root).taxonomy().clusters == before
    assert page.evaluate("() => window.harmed") is None
    assert "sk-very-secret" not in page.content()
    assert page.outside == []
    assert [error for error in page.errors if "404" not in error] == []
