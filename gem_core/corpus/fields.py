"""Fields of a row: dotted paths into nested values, JSON kept as text, chat messages joined as text."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

MISSING = object()
FLAT_FIELDS = 64  # fields of a nested column that become columns of their own, at most
_ROLE_KEYS, _CONTENT_KEYS = ("role", "from", "speaker"), ("content", "value", "text")


def get_field(row: Mapping[str, object], path: str) -> object:
    """Return the value at a column name or a dotted path such as "metadata.language", else `MISSING`.

    A column of exactly that name comes first. A text that holds a JSON object counts as the object.

    Examples
    --------
    >>> row = {"meta": {"lang": "en"}, "a.b": 1, "raw": '{"site": "x.org"}'}
    >>> get_field(row, "meta.lang"), get_field(row, "a.b"), get_field(row, "raw.site"), get_field(row, "b") is MISSING
    ('en', 1, 'x.org', True)
    """
    if path in row:
        return row[path]
    if "." not in path:
        return MISSING
    value: object = row
    rest = path
    while isinstance(value, Mapping):
        # Names may hold dots themselves, so the longest name that is there is followed.
        name = next((n for n in _prefixes(rest) if n in value), None)
        if name is None:
            return MISSING
        value, rest = value[name], rest[len(name) + 1 :]
        if not rest:
            return value
        if isinstance(value, str) and value.lstrip()[:1] == "{":
            value = _parse_object(value)
    return MISSING


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _parse_object(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def has_field(names: Mapping[str, Any] | tuple[str, ...] | list[str], path: str) -> bool:
    """Return whether a path may lead into one of the columns: itself, or the column that it begins with."""
    return any(name in names for name in _prefixes(path))


def arrow_field(table: pa.Table, path: str) -> pa.ChunkedArray | None:
    """Return the column at a name or a dotted path into struct columns and columns of JSON text; None where absent.

    Rows of a JSON column that lack the field are null.
    """
    if path in table.column_names:
        return table.column(path)
    name = next((n for n in _prefixes(path) if n in table.column_names), None)
    if name is None:
        return None
    column, rest = table.column(name), path[len(name) + 1 :]
    while rest and pa.types.is_struct(column.type):
        inside = [column.type.field(i).name for i in range(column.type.num_fields)]
        name = next((n for n in _prefixes(rest) if n in inside), None)
        if name is None:
            return None
        column, rest = pc.struct_field(column, [inside.index(name)]), rest[len(name) + 1 :]
    if not rest:
        return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    values = [get_field({"x": cell}, f"x.{rest}") for cell in column.to_pylist()]
    cells = [None if value is MISSING or value is None else field_text(value) for value in values]
    return pa.chunked_array([pa.array(cells, pa.large_string())])


def field_text(value: object) -> str:
    """Return a cell as text: strings as they are, nested values as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else str(value)


def join_messages(value: object) -> str | None:
    r"""Join a chat, a list of messages with role and content, to one text; None for anything else.

    Examples
    --------
    >>> join_messages([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}])
    'user: Hi\n\nassistant: Hello'
    """
    if not isinstance(value, list) or not value or not all(isinstance(message, dict) for message in value):
        return None
    parts = []
    for message in value:
        content = next((message[key] for key in _CONTENT_KEYS if key in message), None)
        if isinstance(content, list):  # Messages of several parts, of which the texts count.
            content = "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
        if not isinstance(content, str):
            if content is None and any(key in message for key in _CONTENT_KEYS):
                continue
            return None
        role = next((message[key] for key in _ROLE_KEYS if isinstance(message.get(key), str)), "")
        parts.append(f"{role}: {content}" if role else content)
    return "\n\n".join(parts)


def flatten(cell: Mapping[str, object], prefix: str) -> dict[str, object]:
    """Return the leaves of a nested object under their dotted paths.

    Examples
    --------
    >>> flatten({"a": {"b": 1}, "c": [2]}, "meta")
    {'meta.a.b': 1, 'meta.c': [2]}
    """
    leaves: dict[str, object] = {}
    for name, value in cell.items():
        path = f"{prefix}.{name}"
        if isinstance(value, Mapping) and value:
            leaves.update(flatten(value, path))
        else:
            leaves[path] = value
    return leaves
