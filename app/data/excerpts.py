"""Beginnings of single documents over HTTP: a map asks for the one under the pointer, and never holds the others."""

from collections import OrderedDict

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gem_core.workspace import Workspace

PATH = "/excerpts/{key}/{row:int}"
MAX_OPEN = 8  # workspaces that answer, the least recently shown is dropped


class Excerpts:
    """The workspaces that are shown on maps, by a key of each; they answer only in a server that has the route."""

    def __init__(self) -> None:
        self._workspaces: OrderedDict[str, Workspace] = OrderedDict()
        self._is_served = False

    def route(self) -> Route:
        """Return the route for the server."""
        self._is_served = True
        return Route(PATH, self._answer, methods=["GET"])

    def address(self, workspace: Workspace) -> str:
        """Return the path under which rows of a workspace are answered; "" where the server has no route."""
        if not self._is_served:
            return ""
        key = workspace.manifest.data_hash[:20]
        self._workspaces[key] = workspace
        self._workspaces.move_to_end(key)
        while len(self._workspaces) > MAX_OPEN:
            self._workspaces.popitem(last=False)
        base = str(st.get_option("server.baseUrlPath") or "").strip("/")
        return f"/{base}/excerpts/{key}".replace("//", "/")

    def _answer(self, request: Request) -> JSONResponse:
        workspace, row = self._workspaces.get(request.path_params["key"]), int(request.path_params["row"])
        if workspace is None or not 0 <= row < len(workspace):
            return JSONResponse({"excerpt": ""}, status_code=404)
        return JSONResponse({"excerpt": workspace.openings([row])[0]})


EXCERPTS = Excerpts()
