"""Evidence of mixing runs: whole or absent, under the taxonomy it belongs to."""

import json
import os
from pathlib import Path

import pytest

from gem_core.errors import WorkspaceError
from gem_core.workspace.mixing_runs import Mixes

HASH = "91f2" * 16


def test_evidence_comes_back_and_names_its_taxonomy(tmp_path: Path) -> None:
    mixes = Mixes(tmp_path, HASH)
    path = mixes.write_evidence("doremi", {"seed": 0}, {"weights": {"3": 0.25, "7": 0.75}})
    assert path.parent == tmp_path / "mixing" / HASH
    assert mixes.read_evidence("doremi") == {
        "weights": {"3": 0.25, "7": 0.75},
        "kind": "doremi",
        "settings": {"seed": 0},
        "taxonomy_hash": HASH,
    }
    assert mixes.read_evidence("doremi", {"seed": 1}) is None
    assert mixes.read_evidence("regmix") is None
    assert Mixes(tmp_path, "0" * 64).read_evidence("doremi") is None, "another taxonomy finds nothing"


def test_the_run_that_ended_last_is_taken(tmp_path: Path) -> None:
    mixes = Mixes(tmp_path, HASH)
    paths = [mixes.write_evidence("grip", {"seed": seed}, {"weights": {"0": 1.0}, "n": seed}) for seed in range(4)]
    mixes.write_evidence("grip-probe", {"seed": 9}, {"n": 9})  # a kind of its own
    for age, path in enumerate(paths):
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    evidence = mixes.read_evidence("grip")
    assert evidence is not None
    assert evidence["n"] == 0
    assert (mixes.read_evidence("grip", {"seed": 2}) or {})["n"] == 2


def test_damaged_or_foreign_evidence_is_refused(tmp_path: Path) -> None:
    mixes = Mixes(tmp_path, HASH)
    path = mixes.write_evidence("doremi", {}, {"weights": {}})
    path.write_text(path.read_text()[:20])
    with pytest.raises(WorkspaceError, match="Evidence on disk must be whole"):
        mixes.read_evidence("doremi")
    path.write_text(json.dumps({"taxonomy_hash": "beef" * 16}))
    with pytest.raises(WorkspaceError, match=r"got .* of taxonomy beefbeefbeef, here 91f2"):
        mixes.read_evidence("doremi")
