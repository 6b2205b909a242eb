"""Filters against pandas by hand, hostile words, lines on maps, and what a selection says of itself."""

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gem_core.errors import InputError, WorkspaceError
from gem_core.pipeline import Source, build
from gem_core.pipeline.search.filters import Column, Filter, Outline, describe, mask, parts, select
from gem_core.pipeline.search.semantic import nearest
from gem_core.workspace import Settings, Workspace
from gem_core.workspace.selections import Selections


def joined(workspace: Workspace) -> pd.DataFrame:
    """Everything a filter may ask for, as one plain table."""
    table = pd.concat([workspace.documents.reset_index(drop=True), workspace.taxonomy().documents], axis=1)
    scores = {name: table[name].astype(np.float64) for name in ("gis", "margin")}
    return table.assign(text=list(workspace.all_texts()), **scores)


def test_every_part_is_what_pandas_gives(built_sample: Path) -> None:
    workspace = Workspace(built_sample)
    taxonomy, table = workspace.taxonomy(), joined(Workspace(built_sample))
    subjects = tuple(sorted(table["subject"].unique())[:3])
    low, high = (float(v) for v in table["gis"].quantile([0.2, 0.7]))
    numbers = tuple(cluster.number for cluster in taxonomy.clusters[2:5])
    middle = float(table["margin"].median())
    cases = {
        Filter(): table["tokens"] > 0,
        Filter(columns=(Column("subject", values=subjects),)): table["subject"].isin(subjects),
        Filter(columns=(Column("id", contains="1"),)): table["id"].astype(str).str.contains("1", regex=False),
        Filter(columns=(Column("tokens", span=(80, 120)),)): table["tokens"].between(80, 120),
        Filter(tokens=(None, 110)): table["tokens"] <= 110,
        Filter(margin=(middle, None)): table["margin"] >= middle,
        Filter(gis=(low, high)): table["gis"].between(low, high),
        Filter(clusters=numbers): table["cluster_id"].isin(numbers),
        Filter(text="water"): table["text"].str.contains(r"\bwater", case=False),
    }
    for document_filter, expected in cases.items():
        matches = mask(workspace, taxonomy, document_filter)
        assert matches.dtype == np.bool_
        assert np.array_equal(matches, expected.to_numpy()), document_filter
        assert 0 < matches.sum() < len(table) or not document_filter, document_filter
    both = Filter(text="water", tokens=(None, 110), clusters=numbers)
    expected = cases[Filter(text="water")] & cases[Filter(tokens=(None, 110))] & cases[Filter(clusters=numbers)]
    assert np.array_equal(mask(workspace, taxonomy, both), expected.to_numpy())


@pytest.mark.parametrize(
    "words",
    [
        '"',
        "'",
        '" OR 1=1 --',
        "a AND",
        "NEAR(",
        "water*",
        "text: water",
        "^water",
        "wa\0ter",
        "-water",
        "(((",
        "*",
        "water OR",
        "'; DROP TABLE search; --",
        "\u202ewater",
        "NOT water",
        "+water +",
        "{a b} : c",
        "water" * 40,
    ],
)
def test_hostile_words_are_only_words(built_sample: Path, words: str) -> None:
    workspace = Workspace(built_sample)
    matches = mask(workspace, workspace.taxonomy(), Filter(text=words))
    query_words = [word.casefold() for word in __import__("re").findall(r"\w+", words)]
    texts = [text.casefold() for text in workspace.all_texts()]
    for row in np.flatnonzero(matches)[:50] if query_words else []:
        assert all(word in texts[row] for word in query_words)
    with sqlite3.connect(workspace.database.path) as connection:
        assert connection.execute("SELECT count(*) FROM search").fetchone()[0] == len(workspace)


def test_cells_without_a_value_and_of_many_kinds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "text": [f"word{i} and more words of text number {i}" for i in range(12)],
            "id": [f"d{i}" for i in range(12)],
            "lang": ["en", "de", None] * 4,
            "size": [1.5, None, 3.0, -4.0] * 3,
            "flag": [True, False] * 6,
            "mixed": ["7", "x", "", "9.5"] * 3,
        }
    )
    table.to_parquet(tmp_path / "corpus.parquet")
    np.save(tmp_path / "own.npy", rng.normal(size=(12, 6)))
    build(Source(tmp_path / "corpus.parquet", vectors=tmp_path / "own.npy"), tmp_path / "w", Settings(n_clusters=2))
    workspace = Workspace(tmp_path / "w")
    taxonomy = workspace.taxonomy()

    def rows(*columns: Column) -> list[int]:
        return np.flatnonzero(mask(workspace, taxonomy, Filter(columns=columns))).tolist()

    assert rows(Column("lang", values=("",))) == [2, 5, 8, 11]
    assert rows(Column("lang", values=("", "en"))) == [0, 2, 3, 5, 6, 8, 9, 11]
    assert rows(Column("size", span=(-4, 2))) == [0, 3, 4, 7, 8, 11]
    assert rows(Column("size", span=(None, 99))) == [0, 2, 3, 4, 6, 7, 8, 10, 11]  # an empty cell is no number
    assert rows(Column("flag", values=("True",)), Column("lang", values=("de",))) == [4, 10]
    assert rows(Column("mixed", span=(8, None))) == [3, 7, 11]
    assert rows(Column("lang", contains="E")) == [0, 1, 3, 4, 6, 7, 9, 10]
    assert rows(Column("lang", contains=".*")) == []
    with pytest.raises(InputError, match=r"must name a column of the corpus; got 'nope'\. Choose one of .*lang"):
        rows(Column("nope", values=("a",)))
    with pytest.raises(InputError, match="must name a column"):
        rows(Column("text", contains="a"))
    with pytest.raises(InputError, match=r"column of numbers; got column 'lang', which has none"):
        rows(Column("lang", span=(1, 2)))


def test_a_line_on_the_flat_map_holds_what_lies_inside() -> None:
    square = Outline(((0, 0), (4, 0), (4, 4), (0, 4)))
    bitten = Outline(((0, 0), (4, 0), (4, 4), (2, 1), (0, 4)))  # a notch from the top down to (2, 1)
    places = np.array([[1, 1], [2, 3], [2, 0.5], [5, 1], [-1, 1], [3.9, 3.9]])
    assert square.holds(places).tolist() == [True, True, True, False, False, True]
    assert bitten.holds(places).tolist() == [True, False, True, False, False, False]
    rng = np.random.default_rng(0)
    turns = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = Outline(tuple((float(np.cos(t)), float(np.sin(t))) for t in turns))
    many = rng.uniform(-1.5, 1.5, (4000, 2))
    radius = np.linalg.norm(many, axis=1)
    clear = np.abs(radius - 1) > 1e-3
    assert np.array_equal(circle.holds(many)[clear], (radius < 1)[clear])


def test_a_line_on_the_globe_holds_the_near_side_alone() -> None:
    quarter = (0.0, 1, 0, 0, 0, 1, 1, 0, 0)  # the x axis looks at the person, y to the right, z upwards
    line = Outline(((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)), quarter)
    places = np.array([[1, 0, 0], [-1, 0, 0], [0.9, 0.4, 0.17], [0.6, 0.8, 0], [0, 1, 0]])
    assert line.holds(places).tolist() == [True, False, True, False, False]


def test_the_best_come_first(built_sample: Path) -> None:
    workspace = Workspace(built_sample)
    taxonomy = workspace.taxonomy()
    gis = taxonomy.documents["gis"].to_numpy()
    plain = select(workspace, taxonomy, Filter(tokens=(None, 110)))
    assert np.all(np.diff(gis[plain.rows]) <= 0)
    assert np.array_equal(np.sort(plain.rows), np.flatnonzero(plain.mask))
    words = select(workspace, taxonomy, Filter(text="water", tokens=(None, 110)))
    inside = set(plain.rows.tolist())
    assert words.rows.tolist() == [row for row in workspace.search("water", 10_000) if row in inside]
    vector = np.asarray(workspace.embeddings[7])
    near = select(workspace, taxonomy, Filter(tokens=(None, 110)), near=vector, limit=9)
    cosine = workspace.embeddings @ vector
    expected = sorted(plain.rows.tolist(), key=lambda row: -cosine[row])[:9]
    assert near.rows.tolist() == expected
    assert near.mask.sum() == 9
    assert near.cosine is not None
    assert near.cosine == pytest.approx(cosine[expected])
    assert not near.mask.flags.writeable
    everything = nearest(workspace, vector, 10**6)
    assert len(everything.rows) == len(workspace)


def test_a_filter_takes_up_a_saved_selection(sample: Workspace) -> None:
    Selections(sample).save("mine", [3, 5, 8], "by hand")
    taxonomy = sample.taxonomy()
    assert np.flatnonzero(mask(sample, taxonomy, Filter(saved="mine"))).tolist() == [3, 5, 8]
    with pytest.raises(WorkspaceError, match=r"one of this workspace; got 'other'\. Choose one of mine"):
        mask(sample, taxonomy, Filter(saved="other"))


def test_a_filter_says_what_it_asks_and_loses_one_part_at_a_time() -> None:
    document_filter = Filter(
        text=' a  "b" ',
        columns=(Column("lang", values=("en",)), Column("size", span=(1, None))),
        tokens=(10, 1200),
        gis=(None, -2.5),
        clusters=(1, 4, 5, 6),
        saved="mine",
        outline=Outline(((0, 0), (1, 0), (0, 1))),
    )
    descriptions = parts(document_filter, {1: "Bread", 4: "Rivers"})
    assert list(descriptions.values()) == [
        'holds "a "b""',
        "in Bread or Rivers or 2 more",
        "tokens from 10 to 1,200",
        "GIS at most -2.5",
        "lang is en",
        "size at least 1",
        "area selected on the flat map",
        "in selection mine",
    ]
    for part in descriptions:
        assert list(parts(document_filter.without(part))) == [other for other in descriptions if other != part]
    for part in descriptions:
        document_filter = document_filter.without(part)
    assert not document_filter
    assert describe(document_filter) == "all documents"
