"""Encode the settings of a mix as one short value of an address, and decode it with every part checked."""

import math
import re
from collections.abc import Mapping
from typing import Any

from app.shell.packed_json import pack_json, unpack_json
from gem_core.pipeline.mixing.strategies import STRATEGIES

NUMBERS = {"tau": (0.0, 2.0), "part": (0.0, 1.0), "floor": (0.0, 1.0), "fold": (0.0, 1.0)}  # setting: range
AMOUNTS = ("budget", "max_epochs")  # above 0
TEXTS = ("goal", "pool")
POOL = re.compile(r"x?[0-9][0-9.,_]*(e[+]?[0-9]+)?[kmbgt]?", re.IGNORECASE)  # not a file: a link reads none


def encode_mix(settings: Mapping[str, Any]) -> str:
    """Return settings of a mix as text of letters, digits, "-" and "_".

    Examples
    --------
    >>> decode_mix(encode_mix({"strategy": "temperature", "tau": 0.2}))
    {'strategy': 'temperature', 'tau': 0.2}
    """
    names = ("strategy", *NUMBERS, *AMOUNTS, *TEXTS, "fixed")
    parts = {name: settings[name] for name in names if settings.get(name) not in (None, "", {})}
    return pack_json(parts)


def decode_mix(text: str) -> dict[str, Any]:
    """Return the settings that a text stands for.

    Raises
    ------
    ValueError
        If the text is no mix, or a part is out of its range.
    """
    parts = unpack_json(text)
    if not isinstance(parts, dict) or set(parts) - {"strategy", *NUMBERS, *AMOUNTS, *TEXTS, "fixed"}:
        raise ValueError("parts that a mix does not have")
    if parts.get("strategy") not in STRATEGIES:
        raise ValueError("a strategy")
    settings = {"strategy": parts["strategy"]}
    for name, (low, high) in NUMBERS.items():
        if name in parts:
            settings[name] = _number(parts[name], low, high)
    for name in AMOUNTS:
        if name in parts:
            settings[name] = _number(parts[name], 1e-9, 1e18)
    for name in TEXTS:
        if name in parts:
            settings[name] = _text(parts[name])
    if not POOL.fullmatch(str(settings.get("pool", "1"))):
        raise ValueError("a pool")
    if "fixed" in parts:
        settings["fixed"] = _fixed(parts["fixed"])
    return settings


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number")
    if not low <= value <= high:
        raise ValueError("a number in its range")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 60 or not value.isprintable():
        raise ValueError("a text")
    return value


def _fixed(value: Any) -> dict[int, float]:
    if not isinstance(value, dict) or len(value) > 2000 or not all(key.isascii() and key.isdigit() for key in value):
        raise ValueError("weights of clusters")
    return {int(key): _number(weight, 0.0, 1.0) for key, weight in value.items()}
