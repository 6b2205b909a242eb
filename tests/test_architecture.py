"""The structure of the code: imports point one way, caches and session state have one home, files stay short."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: From the top down; a room imports only from floors below its own.
FLOORS = [
    {"app.main", "app.server"},
    {"app.views"},
    {"app.shell"},
    {"app.cluster_card"},
    {"app.charts", "app.documents", "app.jobs"},
    {"app.components"},
    {"app.state"},
    {"app.data"},
    {"app.ui"},
    {"gem_core.cli"},
    {"gem_core.commands"},
    {"gem_core.export"},
    {"gem_core.pipeline"},
    {"gem_core.workspace"},
    {"gem_core.llm"},
    {"gem_core.taxonomy"},
    {"gem_core.influence"},
    {"gem_core.corpus"},
    {"gem_core.clustering", "gem_core.mixing", "gem_core.student", "gem_core.projection", "gem_core.embedding"},
    {"gem_core.geometry"},
    {"gem_core._check", "gem_core._checkpoints", "gem_core._ray", "gem_core._bundled"},
    {
        "gem_core._types",
        "gem_core._content_key",
        "gem_core._progress",
        "gem_core._formatting",
        "gem_core._shared_files",
        "gem_core._storage",
        "gem_core._machine_code",
        "gem_core._version",
    },
    {"gem_core.errors"},
]
FLOOR_OF = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
#: The only import between two view folders: "How many clusters?" hands a number to the draft of Balance.
BETWEEN_VIEWS = {("compare", "balance")}
CACHES = {"cache_data", "cache_resource"}
#: Words that say what happened to a thing, or nothing, instead of what it is.
EMPTY_NAMES = frozenset(
    "asked chosen done drawn found given gone held here kept known listed lost made marked moved named one place said "  # noqa: SIM905
    "seen shown taken told wanted way".split()
)


def sources(*folders: str) -> list[Path]:
    """Python files of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    """Dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sources("app", "gem_core")}
#: Files whose names say what they hold; tests and benchmarks are read as often as the product.
NAMED_FILES = sources("app", "gem_core", "tests", "benchmarks")


def imports(path: Path, *, for_types: bool = True) -> set[str]:
    """Dotted names that a file imports, inside its functions too; those under `if TYPE_CHECKING` on demand."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree) if for_types else _run(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the whole name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _run(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes outside `if TYPE_CHECKING`."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def room(name: str) -> str:
    """The part of the project that a dotted name belongs to: app.views, gem_core.pipeline."""
    return ".".join(name.split(".")[:2])


def module_of(name: str) -> str | None:
    """The module of this project that an imported name lies in."""
    while name:
        if name in MODULES:
            return name
        name = name.rpartition(".")[0]
    return None


@pytest.mark.parametrize("path", MODULES.values(), ids=MODULES.keys())
def test_imports_point_down(path: Path) -> None:
    own = room(module_name(path))
    if own in {"app", "gem_core"}:  # the facade of gem_core may name every room
        return
    for name in imports(path):
        other = room(name)
        if not name.startswith(("app.", "gem_core.")) or other == own:
            assert own.startswith("app.") or not name.startswith(("streamlit", "plotly")), f"{path} imports {name}"
            continue
        assert FLOOR_OF[other] > FLOOR_OF[own], f"{path}: {own} must not import {other} (upward or sideways)"


def test_no_module_imports_itself_through_others() -> None:
    graph = {}
    for name, path in MODULES.items():
        targets = {module_of(target) for target in imports(path, for_types=False)} - {name, None}
        # A package's face only hands names on; importing a module of a package is no arrow to its face.
        graph[name] = {target for target in targets if target and not name.startswith(target + ".")}
    faces = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    for face in faces & {"gem_core"}:
        graph[face] = set()  # loads its names on first use
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules that import each other: {' -> '.join(error.args[1])}")


def test_the_core_does_not_import_the_app() -> None:
    for path in sources("gem_core"):
        assert not any(name.split(".")[0] == "app" for name in imports(path)), path


def test_views_do_not_import_each_other() -> None:
    for path in sources("app/views"):
        own = path.relative_to(ROOT / "app" / "views").parts[0]
        for name in imports(path):
            parts = name.split(".")
            if parts[:2] == ["app", "views"] and parts[2] != own:
                assert (own, parts[2]) in BETWEEN_VIEWS, f"{path} imports {name}"


def test_only_data_caches_and_only_state_keeps_session_state() -> None:
    for path in sources("app"):
        folder = path.relative_to(ROOT / "app").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "st":
                assert node.attr not in CACHES or folder == "data", f"{path}:{node.lineno} caches outside app/data"
                assert node.attr != "session_state" or folder == "state", f"{path}:{node.lineno}: use app/state"


def test_folders_have_few_rooms() -> None:
    def rooms(folder: Path) -> list[str]:
        return sorted(
            path.name
            for path in folder.iterdir()
            if path.name not in {"__init__.py", "__pycache__"} and (path.is_dir() or path.suffix == ".py")
        )

    assert len(rooms(ROOT / "app")) <= 12
    assert len(rooms(ROOT / "gem_core" / "pipeline")) <= 10
    assert all(path.is_dir() for path in (ROOT / "gem_core" / "pipeline").iterdir() if path.name != "__init__.py")


def definitions(*paths: Path) -> Iterator[tuple[Path, ast.ClassDef | ast.FunctionDef]]:
    """Classes and functions of these files, of the project when none is given."""
    for path in paths or MODULES.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield path, node


def test_no_class_name_is_used_twice() -> None:
    files: dict[str, list[str]] = {}
    for path, node in definitions():
        if isinstance(node, ast.ClassDef):
            files.setdefault(node.name, []).append(module_name(path))
    assert {name: paths for name, paths in files.items() if len(paths) > 1} == {}


def test_functions_parameters_and_fields_say_what_they_are() -> None:
    names = []
    for path, node in definitions(*NAMED_FILES):
        if isinstance(node, ast.FunctionDef):
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            used = [node.name.strip("_"), *(argument.arg for argument in arguments)]
        else:
            fields = [item.target for item in node.body if isinstance(item, ast.AnnAssign)]
            used = [node.name, *(field.id for field in fields if isinstance(field, ast.Name))]
        names += [f"{module_name(path)}.{node.name}: {name}" for name in used if name in EMPTY_NAMES]
    assert names == []


def test_local_names_say_what_they_are() -> None:
    names = []
    for path in NAMED_FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in EMPTY_NAMES:
                names.append(f"{path}:{node.lineno} {node.id}")
    word = "|".join(sorted(EMPTY_NAMES))
    declared = re.compile(rf"\b(?:const|let|var|function|of)\s+({word})\b|[(,]\s*({word})\s*(?:=>|[,)].*(?:=>|\{{$))")
    for path in sorted([*(ROOT / "app").rglob("*.js"), *(ROOT / "gem_core").rglob("*.js")]):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = re.sub(r"\"[^\"]*\"|`[^`]*`|//.*", "", line)
            names += [f"{path}:{number} {line.strip()}" for _ in declared.finditer(code)]
    assert names == []


def test_a_file_name_is_used_once_but_for_mirrors() -> None:
    """A view and a command may be called what the module is called that they serve; screens have parts in common."""
    files: dict[tuple[str, str], list[str]] = {}
    for path in MODULES.values():
        folder = path.relative_to(ROOT).parent
        screen_or_commands = folder.parts[:2] in {("app", "views"), ("gem_core", "commands")}
        layer = str(folder) if screen_or_commands else folder.parts[0]
        if path.stem not in {"__init__", "page"}:
            files.setdefault((layer, path.stem), []).append(module_name(path))
    assert [modules for modules in files.values() if len(modules) > 1] == []


def test_an_option_that_commands_share_is_written_once() -> None:
    options: dict[str, list[str]] = {}
    for path in sources("gem_core/commands"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.arg) and node.annotation is not None:
                text = ast.unparse(node.annotation)
                if text.startswith("Annotated["):
                    options.setdefault(text, []).append(f"{path.name}: {node.arg}")
    assert {text: uses for text, uses in options.items() if len(uses) > 1} == {}


def test_files_stay_short() -> None:
    scripts = [path for folder in ("app", "gem_core") for path in (ROOT / folder).rglob("*.js")]
    for path in [*sources("gem_core", "app", "tests", "benchmarks"), *scripts]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines"


@pytest.mark.parametrize("module", ["gem_core", "gem_core.cli"])
def test_import_is_light(module: str) -> None:
    heavy = {"torch", "umap", "faiss", "streamlit", "sklearn", "numba", "sentence_transformers"}
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_views_take_the_opened_workspace_from_the_session() -> None:
    """Only app/state opens a session's workspace by its path; no function of app/data takes a path for one."""
    for path in sources("app"):
        folder = path.relative_to(ROOT / "app").parts[0]
        for name in imports(path):
            assert (
                folder == "state" or not name.startswith("app.data.workspace_cache.") or name.endswith(".per_taxonomy")
            ), f"{path} imports {name}; use session.workspace and session.taxonomy"
    for path in sources("app/data"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name != "open_workspace":
                roots = [argument.arg for argument in node.args.args if argument.arg == "root"]
                assert not roots, f"{path}:{node.lineno} {node.name} takes a path; take workspace and taxonomy"
