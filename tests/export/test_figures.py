"""Figures as SVG: well-formed, complete, without document text, safe with hostile names."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gem_core.errors import WorkspaceError
from gem_core.export.figures import FIGURES, figure_svg, write_figure
from gem_core.pipeline import Rename, edit
from gem_core.workspace import Workspace

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    """Texts of a figure; fails when it is no XML."""
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return [element.text or "" for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("what", FIGURES)
def test_a_figure_is_complete_and_the_same_each_time(sample: Workspace, what: str, tmp_path: Path) -> None:
    taxonomy = sample.taxonomy()
    svg = figure_svg(sample, taxonomy, what)
    assert svg == figure_svg(sample, taxonomy, what)
    texts = words(svg)
    assert texts[0], "a title"
    if what in ("globe", "map", "shares"):
        shares = {text for text in texts if text.endswith("%")}
        assert {f"{100 * c.share_documents:.1f}%" for c in taxonomy.clusters} <= shares
    assert not any(text[:40] in svg for text in sample.texts(range(0, len(sample), 50)))
    assert write_figure(sample, what, tmp_path / "f.svg").read_text(encoding="utf-8") == svg


@pytest.mark.parametrize("what", FIGURES)
def test_hostile_names_are_only_text(sample: Workspace, what: str) -> None:
    name = "</text><script>alert(1)</script>&\x07"
    edit(sample, Rename("cluster", 0, "<script>alert(1)</script>&"))
    svg = figure_svg(sample, sample.taxonomy(), what)
    assert "<script" not in svg
    assert name not in svg
    words(svg)


def test_every_document_is_a_dot(sample: Workspace) -> None:
    assert figure_svg(sample, sample.taxonomy(), "map").count("h0") == len(sample)


def test_an_unknown_figure_is_refused(sample: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="A figure must be one of globe, map, treemap, path, shares"):
        figure_svg(sample, sample.taxonomy(), "pie")
