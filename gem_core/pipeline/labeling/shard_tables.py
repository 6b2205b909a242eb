"""Rows of shards as Arrow tables whose columns have types that tables of several shards can share."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from gem_core.corpus.columns import replace_surrogates
from gem_core.corpus.read import clean_column


def plain_table(table: pa.Table) -> pa.Table:
    """Return columns without metadata, in types whose rows Arrow can pick and whose shards Arrow can put together."""
    types = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    kinds = [field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in table.schema]
    return table.cast(
        pa.schema([pa.field(name, types.get(kind, kind)) for name, kind in zip(table.column_names, kinds, strict=True)])
    )


def table_of_rows(rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Return rows of JSON, csv or tsv as a table, each column of one type.

    Examples
    --------
    >>> table_of_rows([{"text": "bees"}, {"text": "rivers", "score": 3}]).to_pydict()
    {'text': ['bees', 'rivers'], 'score': [None, 3.0]}
    """
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {str(replace_surrogates(name)): pa.array(clean_column([row.get(name) for row in rows])) for name in names}
    return pa.table(columns)
