"""Whoever cannot see a figure gets its words: every chart, table and picture has alternative text and a fixed key."""

import ast
from pathlib import Path

import plotly.graph_objects as go
import pytest

from app.charts.chart import paper_figure

APP = Path(__file__).resolve().parents[2] / "app"
DRAWN = ("plotly_chart", "show_chart", "dataframe", "data_editor", "image")


def calls() -> list[tuple[str, str, dict[str, ast.expr]]]:
    """Every call that draws something: where it stands, what it draws, its options."""
    calls_by_name = []
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in DRAWN:
                options = {word.arg: word.value for word in node.keywords if word.arg}
                calls_by_name.append((f"{path.name}:{node.lineno}", name, options))
    return calls_by_name


def test_there_are_figures() -> None:
    assert len(calls()) > 20


@pytest.mark.parametrize(("location", "kind", "options"), calls(), ids=lambda v: v if isinstance(v, str) else "")
def test_every_figure_has_words_and_a_key(location: str, kind: str, options: dict[str, ast.expr]) -> None:
    assert "alt" in options, location
    if kind != "image":
        assert "key" in options, location
        words = options["alt"]
        assert not (isinstance(words, ast.Constant) and len(str(words.value)) < 10), location


def test_every_chart_can_be_saved_as_a_figure() -> None:
    """Only the flat map, whose figure the core draws, is shown without `show_chart`."""
    direct = {location.split(":")[0] for location, kind, _ in calls() if kind == "plotly_chart"}
    assert direct == {"chart.py", "map.py"}
    assert sum(kind == "show_chart" for _, kind, _ in calls()) >= 16


def test_a_saved_chart_stands_alone_and_is_light() -> None:
    bars = go.Figure([go.Bar(x=[1, 2], y=["a", "b"], name="Natural"), go.Bar(x=[2, 1], y=["a", "b"], name="Weight")])
    bars.update_layout(height=200, showlegend=False, paper_bgcolor="#0e1420")
    figure = paper_figure(bars, "Weights of the mix")
    assert figure.layout.title.text == "Weights of the mix"
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "#ffffff"
    assert figure.layout.showlegend
    assert figure.layout.height >= 270, "the title and the legend have a line each"
    assert figure.layout.margin.t >= 70
    assert not paper_figure(go.Figure([go.Scatter(x=[1], y=[1], name="one")]), "t").layout.showlegend


def test_titles_that_hold_names_are_headings_without_a_name_in_their_address() -> None:
    from streamlit.testing.v1 import AppTest

    def page() -> None:
        from app.ui.figures import finding, heading

        heading("Secret cluster holds 10%")
        finding("Largest: Secret cluster", "Share of documents.")
        finding("Largest: Secret cluster", "The same title twice.")

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert [item.value for item in app.subheader][:2] == ["Secret cluster holds 10%", "Largest: Secret cluster"]
    assert all(item.proto.anchor and "ecret" not in item.proto.anchor for item in app.subheader)
