"""Document list: rows with scores and an excerpt; a click or Enter opens the reader."""

from collections.abc import Mapping, Sequence

from app.components.row_list import ListColumn, show_row_list
from app.state.session import Session
from app.ui.glossary import HINTS

SCORES = {
    "gis": "GIS",
    "confidence": "Confidence",
    "centrality": "Centrality",
    "density": "Density",
    "margin": "Margin",
    "cosine": "Cosine",
}
PARTS_OF_GIS = ("confidence", "centrality", "density")


def show_document_list(
    session: Session,
    rows: Sequence[int],
    *,
    key: str,
    show: Sequence[str] = ("gis", "margin"),
    clusters: bool = False,
    height: int | None = None,
    values: Mapping[str, Sequence[float]] | None = None,
    lines: int = 2,
    announce: str = "",
) -> None:
    """Show a list of documents; a click or Enter opens one in the reader (`session.open_document`).

    Parameters
    ----------
    session : Session
    rows : sequence of int
        Documents in the order to show.
    key : str
        Fixed key of the list.
    show : names of SCORES
        Scores to show.
    clusters : bool
        Show the color of each document's cluster.
    height : int, optional
        Pixels from which on the list scrolls.
    values : mapping, optional
        More numbers to show, by title.
    lines : int
        Lines of the excerpt at most.
    announce : str
        What a screen reader says when it changes.
    """
    taxonomy = session.taxonomy
    table = taxonomy.documents.iloc[list(rows)]
    columns: list[ListColumn] = []
    if clusters:
        columns.append(ListColumn("", [taxonomy.cluster(c).color for c in table["cluster_id"]], "dot", width=30))
    excerpts = session.workspace.openings([int(row) for row in rows])
    columns.append(ListColumn("Document", excerpts, lines=lines))
    for heading, numbers in (values or {}).items():
        columns.append(_score(heading, list(numbers), 3, HINTS.get(heading.lower(), "")))
    for name in show:
        numbers = [round(float(value), 4) + 0.0 for value in table[name].round(3)]
        digits = 3 if name == "cosine" else 2
        columns.append(_score(SCORES[name], numbers, digits, HINTS[name], optional=name in PARTS_OF_GIS))
    show_row_list(
        columns,
        key=key,
        label="Documents",
        on_open=lambda index: session.open_document(int(rows[index]), tuple(int(row) for row in rows)),
        height=height,
        announce=announce,
        highlight=session.query.split() if not session.is_semantic else (),
    )


def _score(heading: str, numbers: list[float], digits: int, hint: str, *, optional: bool = False) -> ListColumn:
    texts = [f"{number:.{digits}f}" for number in numbers]
    return ListColumn(heading, numbers, "number", texts, hint, width=max(64, 8 * len(heading) + 14), optional=optional)
