"""Row list: a table whose rows open something, by pointer or keyboard.

`st.dataframe` opens a cell as soon as the arrow keys reach it and keeps no row in focus. Here the arrow keys move the
focus, Enter or a click opens the row, a heading sorts and never opens, and long text wraps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from app.state.widget_state import widget

__all__ = ["ListColumn", "show_row_list"]

Kind = Literal["dot", "text", "number", "bar"]
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_row_list",
    html='<div class="box"><table role="grid"><thead></thead><tbody></tbody></table></div>'
    '<div class="live" role="status" aria-live="polite"></div>',
    css=(_HERE / "row_list.css").read_text(encoding="utf-8"),
    js=(_HERE / "row_list.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class ListColumn:
    """A column of a row list.

    Attributes
    ----------
    name : str
        Heading; empty for dots.
    values : sequence
        A color "#rrggbb" for a dot, a text, or a number.
    kind : "dot", "text", "number" or "bar"
        A bar is drawn in proportion to the largest value of the column.
    texts : sequence of str, optional
        Numbers as they are shown.
    hint : str
        Hover text of the heading.
    width : int, optional
        CSS pixels; the text columns share the rest.
    lines : int
        Lines of text at most.
    optional : bool
        Hidden where the list is narrow.
    """

    name: str
    values: Sequence[Any]
    kind: Kind = "text"
    texts: Sequence[str] | None = None
    hint: str = ""
    width: int | None = None
    lines: int = 1
    optional: bool = False


def show_row_list(
    columns: Sequence[ListColumn],
    *,
    key: str,
    label: str,
    on_open: Callable[[int], None] | None = None,
    height: int | None = None,
    highlight: Sequence[str] = (),
    announce: str = "",
) -> None:
    """Show rows; `on_open` is called with the index of an opened row before the script runs again.

    Parameters
    ----------
    columns : sequence of ListColumn
        With equally many values.
    key : str
        Fixed key: sorting, scroll position and focus are remembered under it while the tab lives.
    label : str
        Name of the list for a screen reader.
    on_open : callable, optional
        Without it rows only show, and no row takes the focus.
    height : int, optional
        CSS pixels from which on the list scrolls.
    highlight : sequence of str
        Words that are marked in texts, at the beginning of a word.
    announce : str
        What a screen reader says when it changes, such as the number of results.
    """
    rows = len(columns[0].values) if columns else 0

    def on_row() -> None:
        state = widget(key)
        index = state.get("open") if state else None
        if on_open is not None and isinstance(index, int) and not isinstance(index, bool) and 0 <= index < rows:
            on_open(index)

    data = {
        "key": key,
        "label": label,
        "opens": on_open is not None,
        "announce": announce,
        "height": height,
        "highlight": [word for word in highlight if word.strip()],
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "hint": column.hint,
                "width": column.width,
                "lines": column.lines,
                "optional": column.optional,
                "values": list(column.values),
                "texts": None if column.texts is None else list(column.texts),
            }
            for column in columns
        ],
    }
    _component(key=key, data=data, on_open_change=on_row)
