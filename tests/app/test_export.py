"""The Export screen: what it offers after edits, and that a file made on a press is there when the browser asks."""

import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.testing.v1 import AppTest

from app.ui import downloads
from app.views.export import report
from app.views.export.files import FILES
from gem_core.pipeline import Merge, Rename, edit
from gem_core.workspace import Workspace

APP = Path(__file__).resolve().parents[2] / "app"


@pytest.fixture
def screen(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    numbers = [c.number for c in sample.taxonomy().clusters]
    edit(sample, Rename("cluster", numbers[0], "=HYPERLINK(1)"))
    edit(sample, Merge((numbers[1], numbers[2])))
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(sample.root)])
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=120).run()
    app.switch_page("views/export/page.py").run()
    assert not app.exception
    return app


def test_edits_are_shown_and_said_beside_the_command(screen: AppTest, sample: Workspace) -> None:
    words = "\n".join(str(item.value) for item in screen.markdown)
    assert "then the 3 steps in edits.jsonl" in words
    screen.button_group(key="export-look").set_value("edits.jsonl").run()
    assert not screen.exception
    table = screen.dataframe[0].value
    assert list(table["step"]) == [1, 2, 3]
    assert [str(s) for s in table["sentence"]] == [step.sentence for step in sample.history().steps]


def test_the_report_is_made_for_the_taxonomy_on_screen(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    page = report.make(sample, taxonomy)
    mark = report._making[str(sample.root), taxonomy.key]
    assert taxonomy.taxonomy_hash.encode() in page
    assert (mark.completed, mark.size) == (mark.total, len(page))
    assert mark.seconds is not None


def test_a_report_that_cannot_be_made_says_why(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    (taxonomy.folder / "mixture.npz").write_bytes(b"torn")
    with pytest.raises(Exception, match="Every part of a workspace must be whole"):
        report.make(sample, taxonomy)
    assert "Every part of a workspace must be whole" in report._making[str(sample.root), taxonomy.key].refused


@pytest.mark.parametrize("held_file", [True, False])
def test_a_file_stays_until_it_is_fetched(monkeypatch: pytest.MonkeyPatch, held_file: bool) -> None:
    files = MediaFileManager(MemoryMediaFileStorage("/media"))

    class Running:
        media_file_mgr = files

    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", Running)

    def content() -> bytes:
        return b"one,two"

    make: Any = downloads.retained_download(content, "a.csv", "text/csv") if held_file else content
    added_address = files.add_deferred(make, "text/csv", "here", "a.csv")
    address = files.execute_deferred(added_address)
    for _ in range(5):  # pages that look around: each end of a run tidies up
        files.remove_orphaned_files()
    file = files.read_file(address.rsplit("/", 1)[1])
    assert (file is not None) == held_file  # without our reference Streamlit has dropped it: else `kept` can go
    if file is not None:
        assert file.content == b"one,two"


def test_only_the_last_files_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    files = MediaFileManager(MemoryMediaFileStorage("/media"))

    class Running:
        media_file_mgr = files

    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", Running)
    for i in range(3 * downloads.KEPT):
        downloads.retained_download(lambda i=i: str(i).encode(), "a.csv", "text/csv")()
        files.remove_orphaned_files()
    files.remove_orphaned_files()
    assert len(files._file_metadata) == downloads.KEPT


def test_every_file_has_a_name_and_says_what_is_in_it() -> None:
    assert [file.name for file in FILES] == [
        "taxonomy.csv",
        "assignments.csv",
        "assignments.parquet",
        "weights.csv",
        "edits.jsonl",
        "receipt.json",
    ]
    assert all(len(file.about) > 20 for file in FILES)
