"""A map asks for the beginning of one document or the subtopics of one cluster; nothing else answers there."""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from app.data.map_requests import MAX_OPEN, MapRequests
from gem_core.workspace import Workspace


def answer(endpoint: Callable[[Request], JSONResponse], address: str, number: int) -> tuple[int, Any]:
    key = address.rpartition("/")[2]
    response = endpoint(Request({"type": "http", "method": "GET", "path_params": {"key": key, "number": number}}))
    assert response.media_type == "application/json"
    return response.status_code, next(iter(json.loads(bytes(response.body)).values()))


def test_one_document_answers_with_its_beginning(sample: Workspace) -> None:
    requests, taxonomy = MapRequests(), sample.taxonomy()
    assert requests.addresses(sample, taxonomy) == ("", ""), "a server without the routes sends no address to the map"
    assert [route.path.split("/")[1] for route in requests.routes()] == ["excerpts", "subtopics"]
    excerpts, _ = requests.addresses(sample, taxonomy)
    assert answer(requests._answer_excerpt, excerpts, 5) == (200, sample.openings([5])[0])
    assert answer(requests._answer_excerpt, excerpts, len(sample)) == (404, "")
    assert answer(requests._answer_excerpt, "/excerpts/unknown", 5) == (404, "")
    assert len(requests._shown) == 1 <= MAX_OPEN


def test_a_cluster_answers_with_its_subtopics_and_where_they_stand(sample: Workspace) -> None:
    requests, taxonomy = MapRequests(), sample.taxonomy()
    requests.routes()
    _, subtopics = requests.addresses(sample, taxonomy)
    cluster = taxonomy.clusters[-1]
    status, names = answer(requests._answer_subtopics, subtopics, cluster.number)
    assert status == 200
    assert len(names) > 1
    assert sum(documents for _, _, documents, _ in names) == cluster.documents
    assert all(abs(sum(v * v for v in position) - 1) < 1e-3 for _, position, _, _ in names)
    assert all(len(flat) == 2 for *_, flat in names)
    assert answer(requests._answer_subtopics, subtopics, 9999) == (404, [])
