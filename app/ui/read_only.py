"""Buttons that change a workspace: disabled, with the reason, on a server that only shows workspaces."""

from typing import Any

from gem_core.workspace.store import is_read_only

REASON = "This server is read-only: it shows workspaces and changes nothing."


def writing_options(disabled: bool = False, help: str | None = None) -> dict[str, Any]:
    """Return the options `disabled` and `help` of a button that writes."""
    return {"disabled": True, "help": REASON} if is_read_only() else {"disabled": disabled, "help": help}
