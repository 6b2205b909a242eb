"""A short run of the benchmark that kills jobs at random moments; the long one is benchmarks/recovery/kill_nine.py."""

from pathlib import Path

import pytest

from benchmarks.recovery import kill_nine
from benchmarks.recovery.check_whole import check
from benchmarks.recovery.kill_nine import State, lost_edits
from gem_core.workspace import Workspace
from tests.helpers.cli_process import start_code

KINDS = "edit,fit,name,path,duplicates,embed"


def test_six_kills_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = kill_nine.main(
        ["--rounds=6", "--seed=11", "--documents=90", f"--kinds={KINDS}", f"--folder={tmp_path / 'rounds'}"],
        start=lambda module, arguments: start_code(f"from {module} import main; raise SystemExit(main())", *arguments),
    )
    printed = capsys.readouterr().out
    assert status == 0, printed
    total = printed[printed.index("\nall") :].split()
    assert total[1] == "6"  # rounds
    assert total[4] == "0"  # edits lost
    assert total[6] == "0"  # faults


def states(*positions: int) -> list[tuple[float, State]]:
    """A history that grows and goes back: acknowledged one per second, each with the keys up to then."""
    keys = tuple("abcdef")
    return [(float(at), (keys[: max(positions[: at + 1]) + 1], number)) for at, number in enumerate(positions)]


@pytest.mark.parametrize(
    ("now", "missing"),
    [
        (("abc", 2), 0),  # the last one acknowledged
        (("abcd", 3), 0),  # one more was done and not acknowledged any more
        (("abc", 1), 0),  # an undo was done and not acknowledged
        (("ab", 1), 1),  # the one that was acknowledged 1.5 s before the end is missing
        (("a", 0), 2),
        (("xyz", 2), 1),
    ],
)
def test_what_counts_as_lost(now: tuple[str, int], missing: int) -> None:
    assert (lost_edits(states(0, 1, 2), 3.5, (tuple(now[0]), now[1])) > 0) == (missing > 0)
    assert lost_edits(states(0, 1, 2), 2.5, (tuple("ab"), 1)) == 0  # acknowledged less than a second before the end


def test_the_check_sees_what_is_half_written(sample: Workspace) -> None:
    assert check(sample.root) == 0
    (sample.root / ".flat.npy.abcd1234").write_bytes(b"half")
    assert check(sample.root) == 1
    key = sample.taxonomy().key
    for name in ("flat.npy", f"fits/{key}/documents.parquet", f"fits/{key}/mixture.npz", "manifest.json"):
        whole = (sample.root / name).read_bytes()
        (sample.root / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever a reader meets
            check(sample.root)
        (sample.root / name).write_bytes(whole)
    (sample.root / "fits" / key / "mixture.npz").unlink()
    with pytest.raises(Exception, match="mixture"):
        check(sample.root)
