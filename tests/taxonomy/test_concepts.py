"""The shipped vocabulary: size, balance, spelling, vectors; and vocabularies of a person's own."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gem_core.embedding.encoders import load_encoder
from gem_core.errors import InputError
from gem_core.taxonomy.concepts import load_concepts, packaged_concepts, packaged_vectors
from gem_core.taxonomy.subject_domains import packaged_domains
from gem_core.taxonomy.text_kinds import document_kinds, text_kinds

BRITISH = re.compile(
    r"\b\w*(?:colour|favour|behaviour|neighbour|honour|humour|labour|flavour|centre|theatre|metre|fibre|defence|licence|"
    r"offence|jewellery|programme|travell|modell|aluminium|mould|grey|tyre|cheque|catalogue|analyse|organis(?!m)|recognis|"
    r"tumour|paediatric|anaemia|haemo|oestro)\w*\b",
    re.IGNORECASE,
)
#: Labels of the corpora in the benchmarks. A common word ("Business") may be an entry; a label as it is written
#: there, with its spelling, is not copied.
CORPUS_LABELS = [
    "web_pages",
    "arxiv_abstracts",
    "newsgroup_posts",
    "medical_abstracts",
    "podcast_transcripts",
    "ai_answers",
    "math_problems",
    "health_qa",
    "qa_forum",
    "country_facts",
    "poetry_drama",
    "Sci/Tech",
    "rec.sport.hockey",
    "comp.graphics",
    "talk.politics.guns",
    "alt.atheism",
]


def test_size_and_levels() -> None:
    table = packaged_concepts()
    assert len(table.names) >= 1500
    assert len(text_kinds()) >= 80
    counts = Counter(table.levels.tolist())
    assert counts[0] >= 25
    assert counts[1] >= 120
    assert counts[2] >= 1300
    assert set(counts) == {0, 1, 2}


def test_names_are_unique_short_and_explained() -> None:
    table = packaged_concepts()
    assert len({name.casefold() for name in table.names}) == len(table.names)
    assert len({kind.name.casefold() for kind in text_kinds()}) == len(text_kinds())
    for name, gloss in zip(table.names, table.glosses, strict=True):
        assert len(name) <= 40, name
        assert 2 <= len(gloss.split()) <= 15, (name, gloss)
        assert name[0].isupper() or name[0].isdigit(), name
        assert name == name.strip()
        assert "\t" not in name + gloss
    assert not set(CORPUS_LABELS) & set(table.names)


def test_fields_are_balanced() -> None:
    table = packaged_concepts()
    sizes = Counter(table.ancestor(0).tolist())
    assert max(sizes.values()) / len(table.names) < 0.08, "one field holds too much of the vocabulary"
    assert min(sizes.values()) >= 20, [table.names[i] for i, n in sizes.items() if n < 20]
    areas = Counter(table.parents[table.levels == 2].tolist())
    assert min(areas.values()) >= 3, [table.names[i] for i, n in areas.items() if n < 3]


def test_spelling_is_american() -> None:
    table = packaged_concepts()
    kinds = [text for kind in text_kinds() for text in (kind.name, kind.gloss)]
    words = [match.group() for text in (*table.names, *table.glosses, *kinds) for match in BRITISH.finditer(text)]
    assert words == []


def test_shipped_vectors_belong_to_the_shipped_names() -> None:
    table = packaged_concepts()
    key, vectors = packaged_vectors()
    assert key == table.key, "embed the vocabulary again: python -m benchmarks.quality.embed_vocabulary"
    assert vectors.shape == (len(table.names), 384)
    rows = list(range(0, len(table.names), 160))
    encoder = load_encoder()
    prepared = [item for _, item in encoder.prepare([table.texts[row] for row in rows])]
    fresh = encoder.forward(prepared)
    assert np.einsum("ij,ij->i", fresh, vectors[rows]).min() > 0.999


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "own.txt",
            "Astronomy\nCooking\n# a comment\nGardening\n",
            [("Astronomy", ""), ("Cooking", ""), ("Gardening", "")],
        ),
        ("own.tsv", "name\tparent\tgloss\nStars\tSky\tsuns\nSky\t\tabove\n", [("Sky", ""), ("Stars", "Sky")]),
        (
            "iab.tsv",
            "Unique ID\tParent\tName\n1\t\tAutomotive\n2\t1\tAuto Body Styles\n",
            [("Automotive", ""), ("Auto Body Styles", "Automotive")],
        ),
        ("iptc.csv", "NewsCode-QCode,Parent,Name\nm:1,,arts\nm:2,m:1,film\n", [("arts", ""), ("film", "arts")]),
        ("topics.json", json.dumps(["Adult", "Art & Design"]), [("Adult", ""), ("Art & Design", "")]),
        (
            "tree.json",
            json.dumps({"Food": {"Bread": "loaves", "Cake": "sweet"}}),
            [("Food", ""), ("Bread", "Food"), ("Cake", "Food")],
        ),
        (
            "items.json",
            json.dumps([{"name": "Food", "description": "to eat", "children": ["Bread"]}]),
            [("Food", ""), ("Bread", "Food")],
        ),
    ],
)
def test_own_vocabularies(tmp_path: Path, name: str, text: str, expected: list[tuple[str, str]]) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    table = load_concepts(path)
    parents = ["" if p < 0 else table.names[p] for p in table.parents]
    assert list(zip(table.names, parents, strict=True)) == expected
    assert table.source == name


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("name\tparent\nA\tB\nB\tA\n", "utf-8")
    assert sorted(load_concepts(path).names) == ["A", "B"]


@pytest.mark.parametrize(
    ("name", "data"), [("no.tsv", None), ("bytes.txt", b"\xff\xfe\x00"), ("empty.txt", b""), ("bad.json", b"{")]
)
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, name: str, data: bytes | None) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match="vocabulary"):
        load_concepts(path)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Recipes", "Preheat the oven to 350. Mix 2 cups flour with the butter and salt; bake for 20 minutes."),
        ("Python source code", "import os\n\ndef read(path):\n    self.x = 3\n    return open(path)\n"),
        (
            "License texts",
            "Permission is hereby granted ... Redistribution ... provided as is, without warranty. Copyright 2001",
        ),
        (
            "Statutes",
            "Section 4. Pursuant to subsection (b) the Mayor shall appoint; provided that this act is amended.",
        ),
        (
            "Novels and stories",
            '"Come," he said, and she looked at him. "I waited," she answered; he had turned to her and walked on.',
        ),
        (
            "Property listings",
            "Two bedroom flat with kitchen and bathroom, rent 700 per month, deposit one month, parking.",
        ),
        (
            "Mailing list posts",
            "From: ann@x.edu\nSubject: Re: drives\nLines: 12\n\nIn article <1> bob writes:\n> it fails",
        ),
    ],
)
def test_kinds_are_recognized_by_their_form(kind: str, text: str) -> None:
    names = [k.name for k in text_kinds()]
    assert document_kinds([text])[0][names.index(kind)]
    assert not document_kinds(["The committee met on a rainy afternoon and talked about nothing much."])[0].any()


def test_domains_name_sets_of_fields_that_no_entry_names() -> None:
    table = packaged_concepts()
    fields = {table.names[i] for i in np.flatnonzero(table.levels == 0)}
    domains = packaged_domains()
    assert len(domains) >= 60
    assert {field for _, members in domains for field in members} == fields
    assert len({frozenset(members) for _, members in domains}) == len(domains)
    names = [name.casefold() for name, _ in domains]
    assert len(set(names)) == len(names)
    assert not set(names) & {name.casefold() for name in table.names}
    for name, members in domains:
        assert len(name) <= 40, name
        assert 2 <= len(members) <= 10, name
        assert not BRITISH.search(name)
