"""A student on disk: student.safetensors (rows and biases) and student.json (everything else). No pickle."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gem_core._shared_files import temporary_file
from gem_core._storage import local_copy, local_path, storage_path
from gem_core.errors import InputError
from gem_core.student.model import Student
from gem_core.student.tokenizer import characters

FORMAT = 1
ARRAYS, FACTS = "student.safetensors", "student.json"


def save_student(student: Student, folder: str | Path) -> None:
    """Write a student into a folder; the same student gives the same bytes.

    Each file is whole or absent, and student.json comes last: without it the folder holds no student.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    from safetensors.numpy import save_file

    folder = local_path(folder, "A student that is being written")
    arrays = {
        "weights": np.ascontiguousarray(student.weights, dtype="<i2"),
        "bias": np.ascontiguousarray(student.bias, dtype="<f8"),
    }
    facts = {"format": FORMAT, "hash": student.hash, **student.description}
    text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FACTS).unlink(missing_ok=True)
        _write(folder / ARRAYS, lambda path: save_file(arrays, path))
        _write(folder / FACTS, lambda path: path.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise InputError(
            "The folder of a student must be writable",
            f"{folder}: {error.strerror or error}",
            "Choose another folder or free some space",
        ) from error


def _write(path: Path, write: Callable[[Path], Any]) -> None:
    temporary = temporary_file(path)
    mode = temporary.stat().st_mode
    try:
        write(temporary)
        temporary.chmod(mode)  # safetensors writes a file that only its owner can read.
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_student(folder: str | Path) -> Student:
    """Read a student that `save_student` wrote.

    Raises
    ------
    InputError
        If the folder holds no student, one of a newer version, or one whose files were damaged or exchanged.
    """
    folder = storage_path(folder)
    with local_copy(folder) as copy:
        return _load(folder, copy)


def _load(folder: Path, copy: Path) -> Student:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        facts = json.loads((copy / FACTS).read_text(encoding="utf-8"))
        file_format = facts["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "The folder must hold a student",
            f"{folder} without a readable {FACTS}",
            "Write one with gem-explorer distill",
        ) from error
    if file_format != FORMAT or facts.get("unicode") != characters().unicode:
        raise InputError(
            "The student must be one that this version reads",
            f"format {file_format!r}, words of Unicode {facts.get('unicode')!r}",
            "Train it again, or use the version of GEM that wrote it",
        )
    try:
        arrays = load_file(copy / ARRAYS)
        student = Student(
            weights=arrays["weights"],
            scale=float(facts["scale"]),
            bias=arrays["bias"],
            temperature=float(facts["temperature"]),
            numbers=tuple(facts["numbers"]),
            labels=tuple(facts["labels"]),
            taxonomy_hash=facts["taxonomy_hash"],
            token_rates=tuple(facts["token_rates"]),
            token_factors=tuple(facts["token_factors"]),
            settings=facts["settings"],
        )
        whole = student.hash == facts["hash"]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, IndexError) as error:
        raise _damaged(folder, type(error).__name__) from error
    if not whole:
        raise _damaged(folder, "content that differs from its hash")
    return student


def _damaged(folder: Path, what: str) -> InputError:
    return InputError(
        "The files of a student must be as they were written",
        f"{what} in {folder}",
        "Copy the folder again or train the student again",
    )
