"""The Docker image is described by files that are there; building it needs a daemon, which tests do without."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def copied_paths() -> set[str]:
    """What the image takes from the project."""
    lines = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
    return {path for line in lines for path in line.split()}


def test_the_image_takes_what_the_package_is_built_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *(path.split("/")[0] for path in wheel["force-include"])}
    assert needed <= copied_paths()
    assert all((ROOT / path).exists() for path in copied_paths())
    included = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(included) == copied_paths()


def test_compose_opens_the_port_on_this_machine_alone() -> None:
    app = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["app"]
    assert app["ports"] == ["127.0.0.1:8501:8501"]
    assert "--host" in DOCKERFILE
    assert f"EXPOSE {app['ports'][0].split(':')[-1]}" in DOCKERFILE
