"""Mixture fits and balance paths as plain arrays and JSON: nothing on disk can run code."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import frozen
from gem_core.clustering.config import MixtureConfig
from gem_core.clustering.mixture import MixtureFit
from gem_core.clustering.path import BalancePath
from gem_core.workspace.atomic_files import write_whole

Arrays = dict[str, NDArray[Any]]


#: Arrays of a balance path whose names in the file are those of earlier versions.
_FILE_NAMES = {"normalized_entropy": "normalised_entropy", "moved_share": "moved"}


def _pack(result: MixtureFit | BalancePath, prefix: str, arrays: Arrays) -> dict[str, Any]:
    """Put the array fields of a result into `arrays`; return its other fields as JSON values."""
    scalars: dict[str, Any] = {}
    for item in fields(result):
        value = getattr(result, item.name)
        if isinstance(value, np.ndarray):
            arrays[prefix + _FILE_NAMES.get(item.name, item.name)] = value
        elif isinstance(value, MixtureConfig):
            scalars[item.name] = asdict(value)
        elif item.name == "fits":
            scalars[item.name] = [_pack(fit, f"{prefix}{i}.", arrays) for i, fit in enumerate(value)]
        else:
            scalars[item.name] = value.item() if isinstance(value, np.generic) else value
    return scalars


def _unpack_fit(scalars: dict[str, Any], prefix: str, arrays: Arrays) -> MixtureFit:
    values = dict(scalars)
    config = dict(values.pop("config"))
    if not isinstance(config["target"], str):
        config["target"] = tuple(config["target"])
    for item in fields(MixtureFit):
        if prefix + item.name in arrays:
            values[item.name] = frozen(arrays[prefix + item.name])
        elif isinstance(values.get(item.name), list):
            values[item.name] = tuple(values[item.name])
    return MixtureFit(config=MixtureConfig(**config), **values)


def _write(path: Path, arrays: Arrays, scalars: dict[str, Any]) -> None:
    text = np.frombuffer(json.dumps(scalars).encode(), dtype=np.uint8)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, __json__=text, **arrays)  # type: ignore[arg-type]

    write_whole(path, write)


def _read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays, json.loads(arrays.pop("__json__").tobytes())


def write_fit(path: Path, fit: MixtureFit) -> None:
    """Write one fit as .npz."""
    arrays: Arrays = {}
    scalars = _pack(fit, "", arrays)
    _write(path, arrays, scalars)


def read_fit(path: Path) -> MixtureFit:
    """Read what `write_fit` wrote; the arrays are read-only."""
    arrays, scalars = _read(path)
    return _unpack_fit(scalars, "", arrays)


def write_path(path: Path, balance: BalancePath) -> None:
    """Write a balance path with all its fits as one .npz."""
    arrays: Arrays = {}
    scalars = _pack(balance, "", arrays)
    _write(path, arrays, scalars)


def read_path(path: Path) -> BalancePath:
    """Read what `write_path` wrote; the arrays are read-only."""
    arrays, scalars = _read(path)
    fits = tuple(_unpack_fit(fit_scalars, f"{i}.", arrays) for i, fit_scalars in enumerate(scalars.pop("fits")))
    values: dict[str, Any] = dict(scalars)
    for item in fields(BalancePath):
        stored_name = _FILE_NAMES.get(item.name, item.name)
        if stored_name in arrays:
            values[item.name] = frozen(arrays[stored_name])
    return BalancePath(fits=fits, **values)
