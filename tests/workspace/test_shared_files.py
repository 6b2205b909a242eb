"""Outputs, folders, locks and the database have the permissions of the umask, so that colleagues can use them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gem_core._shared_files import file_lock
from gem_core.pipeline import open_sample
from gem_core.pipeline.student.distil import DistilSettings, distil
from gem_core.student import StudentConfig
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_folder, write_text


@pytest.fixture(params=[0o002, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def check(root: Path, umask: int) -> None:
    for path in (root, *root.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode) & 0o777
        assert mode == (0o777 if path.is_dir() else 0o666) & ~umask, path


def test_files_folders_and_locks_obey_the_umask(umask: int, tmp_path: Path) -> None:
    root = tmp_path / "shared"
    write_text(root / "one.txt", "text")
    write_folder(root / "below", lambda folder: write_text(folder / "two.txt", "text"))
    with file_lock(root / "lock"):
        check(root, umask)


def test_a_workspace_and_a_student_obey_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        open_sample(tmp_path / "sample")
        workspace = Workspace(tmp_path / "sample")
        settings = DistilSettings(student=StudentConfig(buckets=4096, epochs=1))
        distil(workspace, workspace.taxonomy(), tmp_path / "student", settings)
    finally:
        os.umask(before)
    check(tmp_path / "sample", 0o002)
    check(tmp_path / "student", 0o002)


def test_a_folder_keeps_the_group_of_its_parent(tmp_path: Path) -> None:
    group = next((number for number in os.getgroups() if number != os.getgid()), None)
    if group is None and os.geteuid() == 0:
        group = 12345
    if group is None:
        pytest.skip("needs a second group")
    os.chown(tmp_path, -1, group)
    tmp_path.chmod(0o2775)
    write_folder(tmp_path / "below", lambda folder: write_text(folder / "two.txt", "text"))
    assert (tmp_path / "below" / "two.txt").stat().st_gid == group
    assert (tmp_path / "below").stat().st_mode & stat.S_ISGID
