"""Rows of documents that are named by their ids."""

from collections.abc import Sequence

from gem_core.errors import InputError
from gem_core.workspace import Workspace


def rows_of_ids(workspace: Workspace, ids: Sequence[str]) -> list[int]:
    """Return the row of each id, in the order of `ids`.

    Raises
    ------
    InputError
        If an id is not in the corpus.
    """
    row_of = {str(id): row for row, id in enumerate(workspace.documents["id"])}
    unknown = [id for id in ids if id not in row_of]
    if unknown:
        raise InputError(
            "Documents are named by their ids in the corpus",
            f"{unknown[0]!r}, which is none",
            "See assignments.csv of an export for the ids",
        )
    return [row_of[id] for id in ids]
