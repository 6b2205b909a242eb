"""Embedding survives being killed, canceled, cut short and a full disk, with the same vectors in the end."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from gem_core.embedding import EncoderSettings, embed
from gem_core.errors import Cancelled, InputError, WorkspaceError

BATCH = 20
TEXTS = [
    f"Note {n}: " + "bees dance in circles and tea is picked by hand " * (n % 4) + f"on day {n * n}."
    for n in range(240)
]

CHILD = """
import sys, time
sys.path[:0] = [sys.argv[2]]
from tests.embedding.test_embed import BATCH, TEXTS
from gem_core.embedding import embed
from gem_core.errors import WorkspaceError
def tell(step, done, total):
    print(step, done, flush=True)
    time.sleep(float(sys.argv[3]))
if len(sys.argv) > 4:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
try:
    embed(TEXTS, cache=sys.argv[1], batch=BATCH, progress=tell)
except WorkspaceError as error:
    print("REFUSED", error)
"""


def child(cache: Path, pause: float, *more: str) -> "subprocess.Popen[str]":
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(cache), root, str(pause), *more], text=True, stdout=subprocess.PIPE
    )


class Ear:
    """Hears progress; cancels after so many documents."""

    def __init__(self, cancel_at: int = 10**9) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.cancel_at = cancel_at

    def __call__(self, step: str, completed: int, total: int) -> None:
        self.steps.append((step, completed, total))
        if step == "embed" and completed >= self.cancel_at:
            raise Cancelled("enough")

    @property
    def first(self) -> int:
        return next(completed for step, completed, _ in self.steps if step == "embed")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return embed(TEXTS, cache=tmp_path_factory.mktemp("whole"), batch=BATCH)


def inside(cache: Path) -> Path:
    (folder,) = cache.iterdir()
    return folder


def test_kill_nine_loses_at_most_one_batch(whole: np.ndarray, tmp_path: Path) -> None:
    completed = 0
    for goal in (3 * BATCH + 1, 8 * BATCH + 1):  # killed twice, each time in the middle of a batch
        with child(tmp_path, 0.02) as process:
            assert process.stdout is not None
            for line in process.stdout:
                step, number = line.split()[0], int(line.split()[-1])
                completed = number if step == "embed" else completed
                if completed >= goal:
                    break
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert process.returncode == -signal.SIGKILL
        assert not (inside(tmp_path) / "vectors.npy").exists()
    ear = Ear()
    vectors = embed(TEXTS, cache=tmp_path, batch=BATCH, progress=ear)
    assert completed - BATCH <= ear.first
    assert ear.first % BATCH == 0
    assert ear.steps[-1] == ("embed", 240, 240)
    np.testing.assert_allclose(vectors, whole, atol=1e-6)
    assert sorted(path.name for path in inside(tmp_path).iterdir()) == ["lock", "meta.json", "vectors.npy"]


def cancelled_at(tmp_path: Path, documents: int) -> Path:
    with pytest.raises(Cancelled):
        embed(TEXTS, cache=tmp_path, batch=BATCH, progress=Ear(documents))
    return inside(tmp_path)


def test_cancelling_keeps_what_was_durable(whole: np.ndarray, tmp_path: Path) -> None:
    cancelled_at(tmp_path, 5 * BATCH + 1)
    ear = Ear()
    np.testing.assert_allclose(embed(TEXTS, cache=tmp_path, batch=BATCH, progress=ear), whole, atol=1e-6)
    assert ear.first == 5 * BATCH
    # A batch of another size goes on as well.
    other = tmp_path / "other"
    cancelled_at(other, 5 * BATCH + 1)
    ear = Ear()
    vectors = embed(TEXTS, cache=other, batch=100, progress=ear)
    assert ear.first == 5 * BATCH
    assert (vectors * whole).sum(1).min() > 0.9999


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of five batches, canceled in the sixth."""
    return cancelled_at(tmp_path_factory.mktemp("half"), 5 * BATCH + 1)


@pytest.mark.parametrize(
    ("damage", "sound"),
    [
        ("half a batch without its line", 5),
        ("half a line", 4),
        ("a line without its end", 4),
        ("half the rows of the last line", 4),
        ("a wrong byte in batch 2", 2),
        ("journal lost", 0),
        ("rows lost", 0),
        ("about something else", 0),
    ],
)
def test_torn_tails_are_seen_and_cut_off(
    damage: str, sound: int, half: Path, whole: np.ndarray, tmp_path: Path
) -> None:
    shutil.copytree(half, tmp_path / half.name)
    folder = tmp_path / half.name
    part, journal, meta = (folder / name for name in ("vectors.part", "journal.jsonl", "meta.json"))
    row = 4 * 384
    assert part.stat().st_size == 128 + 5 * BATCH * row
    match damage:
        case "half a batch without its line":
            part.write_bytes(part.read_bytes() + b"\x7f" * (BATCH * row // 2 + 3))
        case "half a line":
            journal.write_bytes(journal.read_bytes()[:-9])
        case "a line without its end":
            journal.write_bytes(journal.read_bytes()[:-1])
        case "half the rows of the last line":
            part.write_bytes(part.read_bytes()[: -BATCH * row // 2])
        case "a wrong byte in batch 2":
            data = bytearray(part.read_bytes())
            data[128 + 2 * BATCH * row + 1000] ^= 1
            part.write_bytes(data)
        case "journal lost":
            journal.unlink()
        case "rows lost":
            part.write_bytes(b"")
        case "about something else":
            meta.write_text("{")
    ear = Ear()
    np.testing.assert_allclose(embed(TEXTS, cache=tmp_path, batch=BATCH, progress=ear), whole, atol=1e-6)
    assert ear.first == sound * BATCH


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_full_disk_says_so_and_keeps_what_was_written(whole: np.ndarray, tmp_path: Path) -> None:
    # The system itself refuses to let a file grow beyond 3.5 batches.
    process = child(tmp_path, 0, str(128 + int(3.5 * BATCH * 4 * 384)))
    out, _ = process.communicate()
    folder = inside(tmp_path)
    assert out.splitlines()[-1] == (
        f"REFUSED the disk must have room for the vectors; got a full disk in {folder} "
        "after 60 documents. Free some space and start again: it goes on after them."
    )
    assert (folder / "vectors.part").stat().st_size == 128 + 3 * BATCH * 4 * 384
    ear = Ear()
    np.testing.assert_allclose(embed(TEXTS, cache=tmp_path, batch=BATCH, progress=ear), whole, atol=1e-6)
    assert ear.first == 3 * BATCH


def test_finished_vectors_are_found_again_without_an_encoder(whole: np.ndarray, tmp_path: Path) -> None:
    texts = TEXTS[:40]
    first = embed(texts, cache=tmp_path)
    ear = Ear()
    again = embed(texts, cache=tmp_path, progress=ear)
    assert ear.steps == [("embed", 40, 40)]
    assert isinstance(again, np.memmap)
    assert not again.flags.writeable
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(np.load(inside(tmp_path) / "vectors.npy"), first)
    # Other texts, another order or other settings are another matter; where it is computed is not.
    embed(texts[::-1], cache=tmp_path)
    embed(texts, cache=tmp_path, settings=EncoderSettings(max_tokens=16))
    embed(texts, cache=tmp_path, settings=EncoderSettings(device="cpu"))
    assert len(list(tmp_path.iterdir())) == 3


def test_damaged_result_is_refused(tmp_path: Path) -> None:
    embed(TEXTS[:40], cache=tmp_path)
    path = inside(tmp_path) / "vectors.npy"
    os.truncate(path, 9000)
    with pytest.raises(WorkspaceError) as caught:
        embed(TEXTS[:40], cache=tmp_path)
    assert str(caught.value) == (
        f"the cached vectors must be 40 whole rows of float32; got a damaged file {path}. "
        f"Delete the folder {path.parent} and embed again."
    )


def test_two_at_once_and_folders_that_cannot_be_written(tmp_path: Path) -> None:
    embed(TEXTS[:4], cache=tmp_path)
    folder = inside(tmp_path)
    with FileLock(str(folder / "lock")), pytest.raises(WorkspaceError) as caught:
        embed(TEXTS[:4], cache=tmp_path)
    assert str(caught.value) == (
        f"one process at a time may embed a corpus; got another one at work in {folder}. "
        "Wait for it to finish, or stop it."
    )
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError) as caught:
        embed(TEXTS[:4], cache=tmp_path / "file")
    assert str(caught.value).startswith("the folder of the vectors must be writable; got Not a directory in ")
    assert str(caught.value).endswith(". Choose another folder.")


def test_texts_and_batch_are_checked(tmp_path: Path) -> None:
    for texts, text in (
        ([], "texts must be a list of at least one text; got none. Pass the texts of a corpus."),
        ("bees", "texts must be a list of at least one text; got a string. Pass the texts of a corpus."),
        (
            ["bees", 7],
            "every text must be a string; got a int in row 1. "
            "Read the corpus with read_corpus, which refuses such rows.",
        ),
    ):
        with pytest.raises(InputError) as caught:
            embed(texts, cache=tmp_path)  # type: ignore[arg-type]
        assert str(caught.value) == text
    with pytest.raises(InputError) as caught:
        embed(["bees"], cache=tmp_path, batch=0)
    assert str(caught.value) == "batch must be at least 1; got 0. Ask for one document or more."
