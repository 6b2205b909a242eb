"""Own vectors: unit rows in their order, and a clear word for each thing that can be wrong with them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gem_core.corpus import Columns, check_vectors, load_vectors, read_corpus
from gem_core.errors import CorpusError


def message(path: Path, documents: int, **options: Any) -> str:
    with pytest.raises(CorpusError) as caught:
        load_vectors(path, documents, **options)
    return str(caught.value)


def saved(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", ">f4"])
def test_rows_become_unit_float32_in_their_order(dtype: str, tmp_path: Path) -> None:
    raw = np.random.default_rng(1).integers(-50, 50, (9001, 5)).astype(dtype)
    raw[:, 0] = 1
    path = saved(tmp_path / "own.npy", raw)
    out = load_vectors(path, 9001)
    assert out.dtype == np.float32
    slow = np.array([row / np.sqrt(sum(float(x) ** 2 for x in row)) for row in raw.astype(np.float64)])
    np.testing.assert_allclose(out, slow, atol=1e-7)
    unit_rows = load_vectors(path, 9001, out=tmp_path / "unit.npy")
    assert isinstance(unit_rows, np.memmap)
    np.testing.assert_array_equal(unit_rows, out)


def test_scale_and_rotation_change_nothing_between_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(40, 8))
    turn, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    scaled = raw * 10.0 ** rng.integers(-200, 200, (40, 1))  # squares of these overflow and underflow
    a = load_vectors(saved(tmp_path / "a.npy", raw), 40)
    b = load_vectors(saved(tmp_path / "b.npy", scaled @ turn), 40)
    np.testing.assert_allclose(a @ a.T, b @ b.T, atol=2e-6)


@pytest.mark.parametrize("fixed", [False, True])
def test_list_column_of_parquet(fixed: bool, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = np.random.default_rng(3).normal(size=(5000, 4)).astype(np.float32)
    kind = pa.list_(pa.float32(), 4) if fixed else pa.list_(pa.float32())
    lists = pa.array(list(raw), kind)
    table = pa.table({"text": ["x"] * 5000, "embedding": lists, "other": lists})
    path = tmp_path / "own.parquet"
    pq.write_table(table, path)
    np.testing.assert_array_equal(load_vectors(path, 5000), load_vectors(saved(tmp_path / "o.npy", raw), 5000))
    assert message(path, 5000, column="text") == (
        "column 'text' of own.parquet must be a column of lists of numbers; got type string. "
        "Choose one of the list columns: embedding, other."
    )
    assert message(path, 5000, column="no") == (
        "column 'no' of own.parquet must be a column of lists of numbers; got columns text, embedding, other. "
        "Choose one of the list columns: embedding, other."
    )
    pq.write_table(table.rename_columns(["text", "a", "b"]), path)
    assert message(path, 5000) == (
        "own.parquet must have one column of lists of numbers; "
        "got 2 such columns among text, a, b. Name the column of the vectors."
    )
    path.write_bytes(path.read_bytes()[:3000])
    assert message(path, 5000).startswith("own.parquet must be a whole parquet file; got one that is damaged")


def test_vectors_of_every_source_row_are_matched_to_the_documents(tmp_path: Path) -> None:
    source = tmp_path / "pool.csv"
    source.write_text("text\nbees dance in circles\nno\ntea is picked by hand\n")
    corpus = read_corpus(source, columns=Columns("text"), counter="words")
    # The refused row may even be all zero.
    path = saved(tmp_path / "own.npy", np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]))
    out = load_vectors(path, 2, rows=corpus.rows, source_rows=corpus.source_rows)
    assert out.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    many = np.random.default_rng(4).normal(size=(9000, 3))
    rows = np.flatnonzero(np.arange(9000) % 7)
    path = saved(tmp_path / "own.npy", many)
    np.testing.assert_allclose(
        load_vectors(path, len(rows), rows=rows, source_rows=9000),
        load_vectors(saved(tmp_path / "kept.npy", many[rows]), len(rows)),
    )
    path = saved(tmp_path / "own.npy", np.ones((4, 2)))
    assert message(path, 2, rows=corpus.rows, source_rows=corpus.source_rows) == (
        "own.npy must have one vector per document, 2 rows (or a row for each of the source's 3); got 4 rows. "
        "Export the vectors of exactly these documents, in their order."
    )


def test_what_is_refused(tmp_path: Path) -> None:
    good = np.ones((5000, 3), dtype=np.float32)
    assert message(tmp_path / "own.npy", 5) == (
        f"the vectors must be a file; got {tmp_path / 'own.npy'}, which does not exist. Check the path."
    )
    path = saved(tmp_path / "own.npy", good)
    assert message(path, 4999) == (
        "own.npy must have one vector per document, 4,999 rows; got 5,000 rows. "
        "Export the vectors of exactly these documents, in their order."
    )
    bad = good.copy()
    bad[[4500, 4700], 1] = np.nan, np.inf
    assert message(saved(path, bad), 5000) == (
        "own.npy must hold finite numbers; got NaN or infinity in 2 rows, the first at row 4,500. "
        "Embed those documents again or drop them."
    )
    bad = good.copy()
    bad[4999] = 0
    assert message(saved(path, bad), 5000) == (
        "own.npy must hold vectors with a direction; got all-zero vectors in 1 row, the first at row 4,999. "
        "Embed those documents again or drop them."
    )
    assert message(saved(path, np.ones(7)), 7) == (
        "own.npy must be a table of shape (documents, dimensions); got shape (7,). Save one row per document."
    )
    for kind, array in (("complex128", np.ones((2, 2), complex)), ("<U1", np.array([["a", "b"]]))):
        assert message(saved(path, array), len(array)) == (
            f"own.npy must hold real numbers; got type {kind}. Convert the vectors to float32."
        )
    np.save(path, np.array([[1, 2], None], dtype=object), allow_pickle=True)
    assert message(path, 2) == (
        "own.npy must be a plain array of numbers; got pickled objects or another format. "
        "Save a float32 array with numpy.save; pickles are never opened."
    )
    saved(path, good)
    path.write_bytes(path.read_bytes()[:9000])
    assert message(path, 5000).startswith("own.npy must be a whole .npy file; got one that is damaged or cut short (")
    (tmp_path / "own.txt").write_text("1 2 3")
    assert message(tmp_path / "own.txt", 1) == (
        "vectors must be an .npy file, or parquet, arrow or JSON Lines with a column of lists of numbers; got own.txt "
        "with text. Save them with numpy.save."
    )


def test_ragged_and_missing_lists(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    pd.DataFrame({"vector": [[1.0, 2.0], [1.0], [3.0, 4.0]]}).to_parquet(path)
    assert message(path, 3) == (
        "every vector of own.parquet must have 2 numbers; got 1 in row 1. Embed that document again or drop it."
    )
    pd.DataFrame({"vector": [[1.0, 2.0], [3.0, 4.0], None]}).to_parquet(path)
    assert message(path, 3) == (
        "every vector of own.parquet must have 2 numbers; got none in row 2. Embed that document again or drop it."
    )
    pd.DataFrame({"vector": [[1.0, None], [3.0, 4.0]]}).to_parquet(path)
    assert message(path, 2) == (
        "own.parquet must hold finite numbers; got NaN or infinity in 1 row, the first at "
        "row 0. Embed those documents again or drop them."
    )


@pytest.mark.parametrize(
    "kind",
    ["list", "large_list", "fixed_size_list", "list_view", "half", "int", "decimal", "tensor", "feather", "jsonl"],
)
def test_every_way_to_hold_a_row_of_numbers(tmp_path: Path, kind: str) -> None:
    import json
    from decimal import Decimal

    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet as pq

    rows = [[3, 4], [0, 2], [5, 0]]
    arrays = {
        "list": lambda: pa.array(rows, pa.list_(pa.float32())),
        "large_list": lambda: pa.array(rows, pa.large_list(pa.float64())),
        "fixed_size_list": lambda: pa.array(rows, pa.list_(pa.float32(), 2)),
        "list_view": lambda: pa.array(rows, pa.list_view(pa.float32())),
        "half": lambda: pa.array(np.array(rows, dtype=np.float16).tolist(), pa.list_(pa.float16())),
        "int": lambda: pa.array(rows, pa.list_(pa.int8())),
        "decimal": lambda: pa.array([[Decimal(x) for x in row] for row in rows], pa.list_(pa.decimal128(5, 2))),
        "tensor": lambda: pa.FixedShapeTensorArray.from_numpy_ndarray(np.array(rows, dtype=np.float32)),
        "feather": lambda: pa.array(rows, pa.list_view(pa.float32())),
    }
    path = tmp_path / f"own.{kind if kind in ('feather', 'jsonl') else 'parquet'}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps({"id": n, "embedding": row}) + "\n" for n, row in enumerate(rows)))
    else:
        table = pa.table({"id": range(3), "embedding": arrays[kind]()})
        if kind == "feather":
            with pa.ipc.new_file(str(path), table.schema) as file:
                file.write_table(table)
        else:
            try:
                pq.write_table(table, path)
            except pa.ArrowNotImplementedError as error:
                pytest.skip(f"parquet cannot hold it: {error}")
    assert check_vectors(path) == (3, 2)
    assert load_vectors(path, 3) == pytest.approx(np.array([[0.6, 0.8], [0, 1], [1, 0]]))
