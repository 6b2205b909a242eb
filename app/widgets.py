"""Small pieces that several screens share. Corpus text goes through st.text, st.code and st.dataframe only."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cached
import pandas as pd
import streamlit as st
from glossary import HINTS as HINTS
from state import Session, widget
from streamlit.errors import FragmentHandledException

from gem_core.errors import GemError
from gem_core.workspace import Taxonomy, Workspace

LOG = logging.getLogger("gem_explorer")
SHOWN = 100_000  # characters of a document on screen
JOINER = "\u2060"  # takes no room and breaks no line
ADDRESS = re.compile(r"https?(?=:)|www(?=\.)|\S(?=@)", re.IGNORECASE)  # what Markdown makes a link of by itself


def percent(fraction: float) -> str:
    """0.0523 -> '5.2%'."""
    return f"{100 * fraction:.1f}%"


def count(number: float) -> str:
    """24000 -> '24,000'."""
    return f"{number:,.0f}"


def number(value: float, digits: int = 2) -> str:
    """-0.001 -> '0.00': no sign before a zero."""
    return f"{round(float(value), digits) + 0.0:,.{digits}f}"


def escape(text: str) -> str:
    """Make text safe inside st.markdown, button labels and captions: nothing in it is read as Markdown or LaTeX.

    Addresses turn into links even where every sign is escaped, so an invisible joiner stands inside them.
    """
    flat = ADDRESS.sub(f"\\g<0>{JOINER}", " ".join(text.split()))
    return "".join("\\" + c if c in "\\`*_{}[]()<>#+-.!|~$:=&^@/" else c for c in flat)


def plain(text: str) -> str:
    """Make text safe as a Plotly label: Plotly reads a few HTML tags."""
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: str, limit: int = 60) -> str:
    """Cut text to `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@contextmanager
def guarded() -> Iterator[None]:
    """Show our own errors as what must hold, what came and what to do; another goes to the log, its name on screen."""
    try:
        yield
    except GemError as error:
        refusal("This cannot be done as asked", str(error))
    except FragmentHandledException:  # has been shown already
        raise
    except Exception as error:
        LOG.exception("A screen failed")
        refusal("Something went wrong here", f"{type(error).__name__}: {short(str(error), 300)}\nNothing was saved by "
                "halves. Reload the page; if it comes again, the log of gem-explorer says where.")


def refusal(heading: str, reason: str) -> None:
    """Show an error: `heading` is ours, `reason` may hold corpus text."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":red[:material/error:] **{heading}**")
        st.text(reason)


def strength_text(strength: float) -> str:
    """0.5 -> '0.5', inf -> 'exact'."""
    return "exact" if strength == float("inf") else f"{strength:.3g}"


def dark() -> bool:
    """Whether the page is shown in the dark theme."""
    return st.context.theme.type == "dark"


def _drawn_circle(colour: str, *, filled: bool = True) -> str:
    paint = f"fill='{colour}'" if filled else f"fill='none' stroke='{colour}' stroke-width='3.5'"
    return ("<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'>"
            f"<circle cx='12' cy='12' r='{8 if filled else 7}' {paint}/></svg>")


def circle(colour: str, *, filled: bool = True) -> str:
    """A circle (clusters) or ring (groups) as an image address, for a column of `st.dataframe`."""
    return "data:image/svg+xml;utf8," + _drawn_circle(colour, filled=filled).replace("#", "%23")


def dot_column(label: str = " ") -> Any:
    """Column configuration for `circle`."""
    return st.column_config.ImageColumn(label, width=28)


def title(name: str, colour: str | None = None, after: str = "") -> None:
    """A heading of corpus text behind the colour it has on the map."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", wrap=False):
        if colour:
            st.image(_drawn_circle(colour), width=20, alt="")
        st.markdown(f"**{escape(short(name, 90))}**" + (f" :gray[{escape(short(after, 60))}]" if after else ""))


def keyword_badges(keywords: Sequence[tuple[str, float]], limit: int = 10) -> None:
    """Show keywords of a cluster, the best first."""
    if keywords:
        st.markdown(" ".join(f":gray-badge[{escape(short(term, 40))}]" for term, _ in keywords[:limit]))


PARTS = {"gis": "GIS", "confidence": "Conf.", "centrality": "Centr.", "density": "Dens.", "margin": "Margin",
         "cosine": "Cosine"}


def document_list(session: Session, rows: Sequence[int], *, key: str, show: Sequence[str] = ("gis", "margin"),
                  clusters: bool = False, height: int | str = "auto", values: dict[str, Sequence[float]] | None = None,
                  ) -> None:
    """List documents; a click on one opens its reader (`session.read`).

    Parameters
    ----------
    session : Session
    rows : sequence of int
        Documents in the order to show.
    key : str
        Fixed key of the table.
    show : names of PARTS
        Scores to show.
    clusters : bool
        Show the colour of each document's cluster.
    height : int or "auto"
    values : dict, optional
        More numbers to show, by title.
    """
    taxonomy = cached.taxonomy(session.root)
    places = taxonomy.documents.iloc[list(rows)]
    table: dict[str, Any] = {}
    configuration: dict[str, Any] = {}
    if clusters:
        table[" "] = [circle(taxonomy.cluster(c).colour) for c in places["cluster_id"]]
        configuration[" "] = dot_column()
    for heading, column in (values or {}).items():
        table[heading] = list(column)
        configuration[heading] = st.column_config.NumberColumn(format="%.3f", width=58)
    for name in show:
        table[PARTS[name]] = [round(float(v), 4) + 0.0 for v in places[name].round(3)]
        configuration[PARTS[name]] = st.column_config.NumberColumn(
            format="%.3f" if name == "cosine" else "%.2f", width=58, help=HINTS[name])
    table["Document"] = cached.workspace(session.root).openings([int(row) for row in rows])
    configuration["Document"] = st.column_config.TextColumn(width=max(250, 478 - 58 * (len(table) - 1)))

    def opened() -> None:
        cells = widget(key)["selection"]["cells"]
        if cells:
            session.read(int(rows[cells[0][0]]), tuple(int(row) for row in rows))

    st.dataframe(pd.DataFrame(table), key=key, hide_index=True, column_config=configuration, height=height,
                 on_select=opened, selection_mode="single-cell", row_height=32,
                 alt="Documents; choose one to read it")


def cluster_name(taxonomy: Taxonomy, number: int, limit: int = 60) -> str:
    """Name of a cluster, safe in Markdown."""
    return escape(short(taxonomy.cluster(number).label, limit))


def reader(workspace: Workspace, taxonomy: Taxonomy, row: int, *, height: int = 330) -> None:
    """Show one document: where it lies, how typical it is, its columns and its text."""
    record = workspace.documents.iloc[row]
    place = taxonomy.documents.iloc[row]
    cluster, second = (taxonomy.cluster(int(place[name])) for name in ("cluster_id", "second"))
    title(cluster.label, cluster.colour, f"next: {second.label}" if second is not cluster else "")
    facts([("GIS", number(place["gis"]), "gis"), ("Margin", number(place["margin"]), "margin"),
           ("Cosine", number(place["cosine"], 3), "cosine"), ("Tokens", count(record["tokens"]), "")])
    text = workspace.texts([row])[0]
    with st.container(border=True, height=height if len(text) > 2 * height else "content"):
        st.text(text[:SHOWN])
    if len(text) > SHOWN:
        st.caption(f"The first {count(SHOWN)} of {count(len(text))} characters.")
    facts([(name.capitalize(), number(place[name]), name) for name in ("confidence", "centrality", "density")])
    others = {str(name): short(str(record[name]), 200) for name in record.index if name != "tokens"}
    st.dataframe(pd.DataFrame({"Column": list(others), "Value": list(others.values())}), hide_index=True,
                 row_height=28, key="reader_columns", height=min(len(others), 6) * 28 + 38,
                 column_config={"Column": st.column_config.TextColumn(width=90)}, alt="Columns of the document")


def facts(items: Sequence[tuple[str, str, str]]) -> None:
    """Show small figures side by side: (name, value, key of HINTS or "")."""
    for column, (name, value, hint) in zip(st.columns(len(items), gap="small"), items, strict=True):
        column.metric(name, value, help=HINTS.get(hint))
