"""What a map asks for over HTTP while a person looks at it: how one document begins, names of one cluster's subtopics.

A map never holds the text of a document, and the others are not sent.
"""

from collections import OrderedDict

import numpy as np
import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.data import cached_results, map_data
from gem_core.workspace import Taxonomy, Workspace

EXCERPT, SUBTOPICS = "/excerpts/{key}/{number:int}", "/subtopics/{key}/{number:int}"
MAX_OPEN = 8  # taxonomies that answer; the one that was shown least recently is dropped


class MapRequests:
    """The taxonomies that are shown on maps, by a key of each; they answer only in a server that has the routes."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, tuple[Workspace, Taxonomy]] = OrderedDict()
        self._is_served = False

    def routes(self) -> list[Route]:
        """Return the routes for the server."""
        self._is_served = True
        return [
            Route(EXCERPT, self._answer_excerpt, methods=["GET"]),
            Route(SUBTOPICS, self._answer_subtopics, methods=["GET"]),
        ]

    def addresses(self, workspace: Workspace, taxonomy: Taxonomy) -> tuple[str, str]:
        """Return the paths of excerpts by row and of subtopics by cluster; "" where the server has no routes."""
        if not self._is_served:
            return "", ""
        key = f"{workspace.manifest.data_hash[:16]}-{taxonomy.key[:16]}"
        self._shown[key] = (workspace, taxonomy)
        self._shown.move_to_end(key)
        while len(self._shown) > MAX_OPEN:
            self._shown.popitem(last=False)
        base = str(st.get_option("server.baseUrlPath") or "").strip("/")
        prefix = f"/{base}" if base else ""
        return f"{prefix}/excerpts/{key}", f"{prefix}/subtopics/{key}"

    def _answer_excerpt(self, request: Request) -> JSONResponse:
        workspace, _ = self._shown.get(request.path_params["key"], (None, None))
        row = int(request.path_params["number"])
        if workspace is None or not 0 <= row < len(workspace):
            return JSONResponse({"excerpt": ""}, status_code=404)
        return JSONResponse({"excerpt": workspace.openings([row])[0]})

    def _answer_subtopics(self, request: Request) -> JSONResponse:
        workspace, taxonomy = self._shown.get(request.path_params["key"], (None, None))
        number = int(request.path_params["number"])
        if workspace is None or taxonomy is None or not taxonomy.has(number):
            return JSONResponse({"names": []}, status_code=404)
        parts = cached_results.subtopics(workspace, taxonomy, number)
        groups = np.full(len(workspace), -1, dtype=np.int32)
        for index, part in enumerate(parts):
            groups[list(part.rows)] = index
        positions = map_data.anchors(np.asarray(workspace.sphere), groups, len(parts)).round(4)
        flat = map_data.middles(np.asarray(workspace.flat), groups, len(parts)).round(4)
        return JSONResponse(
            {
                "names": [
                    [part.label, position.tolist(), part.documents, flat_position.tolist()]
                    for part, position, flat_position in zip(parts, positions, flat, strict=True)
                    if np.isfinite(position).all()
                ]
            }
        )


MAP_REQUESTS = MapRequests()
