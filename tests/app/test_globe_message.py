"""What Python sends to the globe: checked, packed, never a document's text. No browser needed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

APP = Path(__file__).resolve().parents[2] / "app"


def directions(n: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(APP))
    for name in [m for m in sys.modules if m.split(".")[0] == "globe"]:
        monkeypatch.delitem(sys.modules, name)
    from app.components.globe.message import pack as function

    def call(**changed: Any) -> bytes:
        usual: dict[str, Any] = {
            "xyz": directions(4),
            "rows": np.arange(4),
            "cluster": np.array([0, 1, -1, 1]),
            "colors": ["#ff0000", "#00ff00"],
            "labels": [],
            "values": None,
            "legend": None,
            "sizes": None,
            "caps": [],
            "row": None,
            "selected": None,
            "dark": None,
            "height": 500,
            "key": "k",
        }
        message: bytes = function(**{**usual, **changed})
        return message

    return call


def test_message_holds_what_was_given(pack: Any) -> None:
    message = pack(labels=[("\u202eevil\n name\x00", (0, 0, 2.0), 1)], values=np.array([0, 0.5, 1, np.nan]))
    length = int.from_bytes(message[:4], "little")
    header = json.loads(message[4 : 4 + length])
    assert header["labels"] == [["evil name", [0.0, 0.0, 1.0], 1]]
    kind, offset, count, _ = header["arrays"]["cluster"]
    assert (kind, count, offset % 4) == ("u16", 4, 0)
    assert np.frombuffer(message, "<u2", count, offset).tolist() == [0, 1, 2, 1]
    assert np.frombuffer(message, np.uint8, 4, header["arrays"]["values"][1]).tolist() == [0, 127, 254, 255]
    xyz = np.frombuffer(message, "<i2", 12, header["arrays"]["xyz"][1]) / 32767
    assert np.abs(xyz.reshape(4, 3) - directions(4)).max() < 2e-5


@pytest.mark.parametrize(
    "wrong",
    [
        {"xyz": np.full((4, 3), np.nan)},
        {"xyz": np.ones((4, 2))},
        {"rows": np.arange(3)},
        {"rows": np.array([0, 1, 2, 2**31])},
        {"cluster": np.array([0, 1, 2, 0])},
        {"colors": ["red", "#00ff00"]},
        {"labels": [("a", (0, 0, 0), 0)]},
        {"values": np.ones(3)},
    ],
    ids=lambda wrong: f"{next(iter(wrong))}",
)
def test_message_refuses_nonsense(pack: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).replace("labels", "direction")):
        pack(**wrong)


def test_an_empty_globe_is_a_message_too(pack: Any) -> None:
    empty = np.empty(0, dtype=int)
    assert pack(xyz=np.empty((0, 3)), rows=empty, cluster=empty)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"outline": [[0, 0], [1, 0]], "turn": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
        {"outline": [[0, 0]] * 4, "turn": [1] * 8},
        {"outline": [[0, 0], [1, 0], [1]], "turn": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
        {"outline": "abc", "turn": "x" * 9},
        {"outline": [[0, 0], [1, 0], [float("nan"), 1]], "turn": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
        {"outline": [[0, 0], [1e9, 0], [1, 1]], "turn": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    ],
)
def test_a_lasso_that_is_none_is_no_pick(pack: Any, sent: dict[str, Any]) -> None:
    from app.components.globe import _read

    whole = {"outline": [[0, 0], [1, 0], [1, 0.5]], "turn": [1, 0, 0, 0, 1, 0, 0, 0, 1]}
    assert _read({"event": "lasso", **whole}, np.arange(3), 2).outline == ((0, 0), (1, 0), (1, 0.5))
    assert not _read({"event": "lasso", **sent}, np.arange(3), 2)


def test_every_module_of_the_globe_is_joined() -> None:
    from app.components.globe.message import _MODULES, joined_script

    folder = APP / "components" / "globe"
    assert set(_MODULES) == {path.name for path in folder.glob("*.js")}
    script = joined_script(folder)
    for name in _MODULES:
        source = (folder / name).read_text(encoding="utf-8")
        for needed in re.findall(r'from "\./([a-z_]+\.js)"', source):
            assert _MODULES.index(needed) < _MODULES.index(name), f"{name} needs {needed} before it"
    assert len(re.findall(r"^export ", script, re.MULTILINE)) == 1
