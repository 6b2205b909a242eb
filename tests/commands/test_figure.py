"""gem-explorer figure: a picture of a taxonomy, or a refusal that names the choices."""

from pathlib import Path
from xml.etree import ElementTree

from gem_core.workspace import Workspace
from tests.helpers.cli_process import refusal, run


def test_a_figure_is_written_and_an_unknown_one_refused(sample: Workspace, tmp_path: Path) -> None:
    completed = run("figure", sample.root, "--what", "globe", "--out", tmp_path / "globe.svg")
    assert completed.returncode == 0, completed.stderr
    assert ElementTree.parse(tmp_path / "globe.svg").getroot().tag.endswith("svg")
    assert "one of globe, map, treemap, path, shares" in refusal(
        run("figure", sample.root, "--what", "pie", "--out", tmp_path / "pie.svg")
    )
    assert not (tmp_path / "pie.svg").exists()
