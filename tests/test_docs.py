"""The documentation: every command and every Python block runs on a small corpus, links lead somewhere, it builds."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer

import gem_core
from gem_core import cli
from gem_core.geometry import sample_vmf
from tests.helpers.cli_process import run, start_code, texts

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.py"))
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORDS = 16  # of a document: embedding them is most of what the pages cost
SMALL_PROXIES = ("--steps", "12", "--width", "8", "--held-tokens", "300")
# Options that keep a command short on the small corpus; the documentation shows it with its defaults.
SHORTER = {
    "mix proxies": (*SMALL_PROXIES, "--count", "20", "--regressor", "linear"),
    "mix doremi": SMALL_PROXIES,
    "mix perfre": SMALL_PROXIES,
    "mix probe": (*SMALL_PROXIES, "--probes", "2"),
    "mix predict": (*SMALL_PROXIES, "--runs", "20", "--splits", "2"),
}


def blocks(page: Path, language: str) -> list[tuple[str, str]]:
    """Return (rest of the opening line, text) of the code blocks in a language."""
    return [(rest, text) for kind, rest, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def python_blocks(page: Path) -> str:
    """Return the Python of a page that can run here, as one script."""
    return "\n".join(text for rest, text in blocks(page, "python") if "no-run" not in rest)


def runnable(text: str) -> list[list[str]]:
    """Return the words of the gem-explorer commands of a block; the app is left out."""
    lines = [shlex.split(line) for line in text.splitlines() if line.startswith("gem-explorer ")]
    return [words[1:] for words in lines if words[1] != "app"]


def commands(page: Path) -> list[list[str]]:
    """Return the words of every gem-explorer command of a page that can run here: not the app, no other machine."""
    return [words for rest, text in blocks(page, "sh") if "no-run" not in rest for words in runnable(text)]


def run_script(folder: Path, text: str) -> None:
    """Run Python in a process of its own, in a folder."""
    process = start_code(text, folder=folder)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors


def all_commands() -> list[list[str]]:
    return [
        shlex.split(line)[1:]
        for page in PAGES
        for _, text in blocks(page, "sh")
        for line in text.splitlines()
        if line.startswith("gem-explorer ")
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the documentation: pool.parquet, vectors.npy, more.jsonl and a folder of shards, crawl."""
    rng = np.random.default_rng(0)
    pool = pd.DataFrame(
        {
            "id": [f"d{i}" for i in range(120)],
            "text": texts(120),
            "subject": [f"subject {i % 4}" for i in range(120)],
            "quality": np.linspace(0.1, 0.9, 120),
        }
    )
    pool.to_parquet(tmp_path / "pool.parquet")
    centers = np.linalg.qr(rng.normal(size=(16, 4)))[0].T
    np.save(
        tmp_path / "vectors.npy",
        np.concatenate([sample_vmf(centers[i % 4], 60.0, 1, rng) for i in range(120)]).astype(np.float32),
    )
    later = pd.DataFrame({"id": [f"d{i}" for i in range(120, 124)], "text": texts(124, WORDS)[120:]})
    later.to_json(tmp_path / "more.jsonl", orient="records", lines=True)
    (tmp_path / "crawl").mkdir()
    for shard in range(2):
        pool.iloc[shard::2].to_parquet(tmp_path / "crawl" / f"{shard}.parquet")
    return tmp_path


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if commands(page) or python_blocks(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_commands_and_python_run_in_the_order_of_the_page(page: Path, folder: Path) -> None:
    script = python_blocks(page)
    for kind, rest, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "python" and "no-run" not in rest and script:
            run_script(folder, script)  # All blocks of the page, which share their names, where the first one stands.
            script = ""
        for words in runnable(text) if kind == "sh" and "no-run" not in rest else ():
            completed = run(*words, *SHORTER.get(" ".join(words[:2]), ()), cwd=folder)
            assert completed.returncode == 0, (" ".join(words), completed.stderr)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(notebook: Path, built_sample: Path, tmp_path: Path) -> None:
    shutil.copytree(built_sample, tmp_path / "sample")  # what open_sample would build
    run_script(tmp_path, notebook.read_text(encoding="utf-8"))


def test_options_exist_also_of_commands_that_do_not_run_here() -> None:
    options: dict[tuple[str, ...], set[str]] = {}
    for words in all_commands():
        command = tuple(words[: 2 if words[0] in {"edit", "mix", "sample"} else 1])
        options.setdefault(command, set()).update(word.partition("=")[0] for word in words if word.startswith("--"))
    for command, names in options.items():
        declared: Any = typer.main.get_command(cli.app)
        for word in command:
            declared = declared.commands[word]
        parameters = declared.params
        assert names <= {name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)}, (
            command
        )


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            file = (page.parent / target.partition("#")[0]).resolve()
            assert file.exists() or file.relative_to(ROOT / "docs").as_posix() in {
                "reference/cli.md",
                "reference/glossary.md",
                *(f"notebooks/{notebook.stem}.md" for notebook in NOTEBOOKS),
            }


def test_paths_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:app|gem_core|tests|benchmarks|docs)/[^`\s]*)`", text):
        if "<" not in path:
            assert (ROOT / path).exists(), path


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("material", reason='pip install "gem-explorer[docs]"')
    completed = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    unread = [page.name for page in (tmp_path / "site").rglob("*.html") if "```" in page.read_text(encoding="utf-8")]
    assert unread == []  # code blocks that MkDocs took for text
    reference = (tmp_path / "site/reference/cli.html").read_text(encoding="utf-8")
    assert "--max-epochs" in reference
    assert "Geometric Influence Score" in (tmp_path / "site/reference/glossary.html").read_text(encoding="utf-8")
    python = (tmp_path / "site/reference/python.html").read_text(encoding="utf-8")
    missing = [name for name in gem_core.__all__ if not re.search(rf'id="[\w.]*\b{name}"', python)]
    assert missing == []
    assert "__reduce__" not in python
