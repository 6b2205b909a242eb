"""A student on disk is the same student, and nothing else is taken for one."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gem_core.errors import InputError
from gem_core.student import Student, load_student, save_student


@pytest.fixture
def student() -> Student:
    weights = np.random.default_rng(0).integers(-32767, 32768, (1024, 3)).astype(np.int16)
    return Student(
        weights,
        0.01,
        np.array([0.1, -0.2, 0.1]),
        temperature=1.5,
        numbers=(2, 5, 9),
        labels=("één", "<b>two</b>", "三"),
        taxonomy_hash="f00",
        token_rates=(1.2, 0.01),
        settings={"seed": 4},
    )


def test_the_same_student_comes_back(student: Student, tmp_path: Path) -> None:
    save_student(student, tmp_path / "a")
    again = load_student(tmp_path / "a")
    texts = pa.array(["One two three", "日本", None])
    assert again.hash == student.hash
    assert again.labels == student.labels
    assert again.numbers == (2, 5, 9)
    np.testing.assert_array_equal(again.score(texts).margin, student.score(texts).margin)
    save_student(again, tmp_path / "b")
    for name in ("student.safetensors", "student.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["student.json", "student.safetensors"]


def test_a_folder_without_a_student_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        load_student(tmp_path)
    assert str(refusal.value) == (
        f"The folder must hold a student; got {tmp_path} without a readable student.json. "
        "Write one with gem-explorer distill."
    )


def test_a_newer_student_is_refused(student: Student, tmp_path: Path) -> None:
    save_student(student, tmp_path)
    facts = tmp_path / "student.json"
    facts.write_text(facts.read_text(encoding="utf-8").replace('"format": 1', '"format": 2'), encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        load_student(tmp_path)
    assert str(refusal.value) == (
        "The student must be one that this version reads; got format 2, words of Unicode "
        "'14.0.0'. Train it again, or use the version of GEM that wrote it."
    )


@pytest.mark.parametrize("damage", ["cut", "flipped", "exchanged", "gone", "label"])
def test_a_damaged_student_is_refused(student: Student, tmp_path: Path, damage: str) -> None:
    save_student(student, tmp_path)
    arrays, facts = tmp_path / "student.safetensors", tmp_path / "student.json"
    content = bytearray(arrays.read_bytes())
    if damage == "cut":
        arrays.write_bytes(content[:-100])
    elif damage == "flipped":
        content[-7] ^= 1
        arrays.write_bytes(content)
    elif damage == "exchanged":
        save_student(Student(np.zeros((1024, 3), np.int16), 1.0, np.zeros(3)), tmp_path / "other")
        arrays.write_bytes((tmp_path / "other" / arrays.name).read_bytes())
    elif damage == "gone":
        arrays.unlink()
    else:
        facts.write_text(facts.read_text(encoding="utf-8").replace("één", "een"), encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        load_student(tmp_path)
    assert str(refusal.value).startswith("The files of a student must be as they were written; got ")
    assert str(refusal.value).endswith(f" in {tmp_path}. Copy the folder again or train the student again.")
