"""Documents and clusters of a workspace as rows of an answer, with a limit on the text that is handed over."""

from collections.abc import Sequence

from numpy.typing import ArrayLike

from gem_core.commands.agents.answers import ClusterRow, DocumentRow
from gem_core.commands.agents.session import MAX_ANSWER, MAX_DOCUMENTS, MAX_TEXT, AgentSession
from gem_core.errors import InputError
from gem_core.export.selected import documents_table
from gem_core.workspace import Cluster


def cluster_row(cluster: Cluster) -> ClusterRow:
    """Return a cluster as a row."""
    fields = {name: getattr(cluster, name) for name in ClusterRow.model_fields if name != "keywords"}
    return ClusterRow(**fields, keywords=[term for term, _ in cluster.keywords])


def document_rows(
    session: AgentSession, rows: Sequence[int], *, characters: int, begin: int = 0, cosine: ArrayLike | None = None
) -> list[DocumentRow]:
    """Return documents with `characters` of their texts from `begin` on, fewer where the answer would be too long.

    Raises
    ------
    InputError
        If more than 50 documents, or more than 4,000 characters each, are requested.
    """
    if len(rows) > MAX_DOCUMENTS or not 0 <= characters <= MAX_TEXT or begin < 0:
        raise InputError(
            f"An answer holds up to {MAX_DOCUMENTS} documents with up to {MAX_TEXT:,} characters each",
            f"{len(rows)} documents, {characters:,} characters from {begin:,}",
            "Ask for fewer; read long documents in parts with `begin`",
        )
    if not rows:
        return []
    length = min(characters, MAX_ANSWER // len(rows))
    table = documents_table(session.workspace, session.taxonomy, rows, cosine=cosine, text=True)
    return [
        DocumentRow(
            id=line["id"],
            cluster=line["cluster_id"],
            label=line["label"],
            tokens=line["tokens"],
            margin=line["margin"],
            gis=line["gis"],
            cosine=line.get("cosine"),
            text=line["text"][begin : begin + length],
            begin=begin,
            characters=len(line["text"]),
            truncated=len(line["text"]) > begin + length,
        )
        for line in table.to_dict(orient="records")
    ]
