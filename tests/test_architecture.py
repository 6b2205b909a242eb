"""The floors of the house: imports point down only, and importing gem_core stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = [
    {"cli"},
    {"commands"},
    {"pipeline", "export"},
    {"workspace"},
    {"taxonomy"},
    {"influence"},
    {"clustering", "mixing", "student", "projection", "corpus"},
    {"geometry"},
    {"_check"},
    {"_types", "_progress"},
    {"errors"},
]
FLOOR_OF = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, wherever in the file the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; imports go one way here"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "gem_core").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    room = path.relative_to(ROOT / "gem_core").with_suffix("").parts[0]
    if room == "__init__":  # the facade may name every room
        return
    for name in imports(path):
        top, _, rest = name.partition(".")
        assert top not in {"streamlit", "plotly", "app"}, f"{path} imports {name}"
        if top != "gem_core":
            continue
        other = rest.split(".")[0]
        if other in {"", room, "__version__"}:
            continue
        assert FLOOR_OF[other] > FLOOR_OF[room], f"{path}: {room} must not import {other} (upward or sideways)"


def test_nothing_imports_the_app() -> None:
    for folder in ("gem_core", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not any(name.split(".")[0] == "app" for name in imports(path)), path


def test_files_stay_short() -> None:
    for folder in ("gem_core", "app", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines"


@pytest.mark.parametrize("module", ["gem_core", "gem_core.cli"])
def test_import_is_light(module: str) -> None:
    heavy = {"torch", "umap", "faiss", "streamlit", "sklearn", "numba", "sentence_transformers"}
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
