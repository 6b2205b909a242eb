"""A map asks for the beginning of one document; nothing else of the corpus answers under that path."""

import json

import pytest
from starlette.requests import Request

from app.data.excerpts import EXCERPTS, MAX_OPEN, Excerpts
from gem_core.workspace import Workspace
from tests.helpers.screen import opened


def answer(excerpts: Excerpts, address: str, row: int) -> tuple[int, str]:
    key = address.rpartition("/")[2]
    request = Request({"type": "http", "method": "GET", "path_params": {"key": key, "row": row}})
    response = excerpts._answer(request)
    assert response.media_type == "application/json"
    return response.status_code, json.loads(bytes(response.body))["excerpt"]


def test_one_document_answers_with_its_beginning(sample: Workspace) -> None:
    excerpts = Excerpts()
    assert excerpts.address(sample) == "", "a server without the route sends no address to the map"
    assert excerpts.route().path == "/excerpts/{key}/{row:int}"
    address = excerpts.address(sample)
    assert answer(excerpts, address, 5) == (200, sample.openings([5])[0])
    assert answer(excerpts, address, len(sample)) == (404, "")
    assert answer(excerpts, "/excerpts/unknown", 5) == (404, "")
    assert len(excerpts._workspaces) == 1 <= MAX_OPEN


def test_the_map_of_a_server_without_the_route_asks_for_nothing(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(sample.root, monkeypatch)
    assert not app.exception
    assert EXCERPTS.address(sample) == ""
