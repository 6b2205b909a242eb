"""Whole files and states of work: a failed write leaves the old file, other work starts anew."""

import json
from pathlib import Path

import pytest

from gem_core._checkpoints import read_record, read_state, replace_file


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "result.json"
    replace_file(path, lambda temporary: temporary.write_text('{"a": 1}'))

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("full disk")

    with pytest.raises(OSError, match="full disk"):
        replace_file(path, fail)
    assert read_record(path) == {"a": 1}
    assert [entry.name for entry in path.parent.iterdir()] == ["result.json"]


@pytest.mark.parametrize("text", ['{"a": 1', "[1, 2]", "", "\x00"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "record.json").write_text(text)
    assert read_record(tmp_path / "record.json") is None
    assert read_record(tmp_path / "absent.json") is None


def test_a_state_is_gone_on_from_by_the_same_work_only(tmp_path: Path) -> None:
    def read(path: Path) -> dict[str, object]:
        return dict(json.loads(path.read_text()))

    path = tmp_path / "state.json"
    path.write_text('{"key": "k", "step": 7}')
    assert read_state(path, "k", read) == {"step": 7}
    assert read_state(path, "other", read) == {}
    path.write_text('{"key": "k", "st')
    assert read_state(path, "k", read) == {}
    assert read_state(None, "k", read) == {}
