"""What a word is, and that the compiled reading of Arrow memory agrees with a slow one over Python strings."""

import random
import unicodedata

import numpy as np
import pyarrow as pa
import pytest

from gem_core.errors import InputError
from gem_core.student import Student
from gem_core.student.tokenizer import characters
from tests.student.characters import SHIPPED, table
from tests.student.slow_words import hashed, rows, words

BUCKETS = 1 << 12
FROZEN = characters().unicode
same_unicode = pytest.mark.skipif(
    unicodedata.unidata_version != FROZEN, reason=f"the slow reading needs a Python with Unicode {FROZEN}"
)


@pytest.fixture(scope="module")
def student() -> Student:
    weights = np.random.default_rng(0).integers(-32767, 32768, (BUCKETS, 3)).astype(np.int16)
    return Student(weights, 1.0, np.zeros(3))


def array(texts: list[bytes | None], kind: pa.DataType | None = None) -> pa.Array:
    """Bytes as an Arrow string, valid UTF-8 or not."""
    wide = kind is not None and pa.types.is_large_string(kind)
    texts_array = pa.array(texts, pa.large_binary() if wide else pa.binary())
    return pa.Array.from_buffers(kind or pa.string(), len(texts_array), texts_array.buffers(), texts_array.null_count)


def expected(student: Student, texts: list[bytes | None]) -> np.ndarray:
    """Evidence from Python's own integers."""
    scores = np.zeros((len(texts), 3))
    for i, text in enumerate(texts):
        numbers = rows(text or b"", BUCKETS)
        total = student.weights[numbers].astype(object).sum(axis=0) if numbers else [0, 0, 0]
        scores[i] = [int(t) / np.sqrt(max(len(numbers), 1)) for t in total]
    return scores


@same_unicode
def test_the_frozen_table_is_the_one_of_its_unicode_version() -> None:
    assert SHIPPED.read_text(encoding="ascii") == table()


@pytest.mark.parametrize(
    ("text", "is_read_as"),
    [
        ("It's 3D, e-mail_me!", ["it", "s", "3d", "e", "mail", "me"]),
        ("CAFÉ Straße ΣΟΦΌΣ Ǆ", ["café", "straße", "σοφόσ", "ǆ"]),
        ("cafe\u0301 \u0301x", ["cafe\u0301", "x"]),
        ("İstanbul", ["istanbul"]),
        ("soft\u00adhyphen zero\u200dwidth", ["softhyphen", "zerowidth"]),
        ("日本語とabc漢1", ["日", "本", "語", "と", "abc", "漢", "1"]),
        ("กินข้าว", ["กิ", "น", "ข้", "า", "ว"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("ok👍🏽👩\u200d🚀❤\ufe0f!", ["ok", "👍", "👩", "🚀", "❤"]),
        ("a\0b\ufffdc", ["a", "b", "c"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("", []),
        (" \n\t.,;", []),
    ],
)
@same_unicode
def test_words_by_hand(text: str, is_read_as: list[str]) -> None:
    assert words(text.encode()) == is_read_as


@pytest.mark.parametrize(
    "text",
    [
        b"a\xffb",
        b"a\xc0\xafb",
        b"a\xed\xa0\x80b",
        b"a\xf4\x90\x80\x80b",
        b"a\xe2\x82b",
        b"a\xe2\x82",
        b"\x80a b\xf0\x9f\x98",
        b"\xe2a b",
        b"a\xe0\x81\xa1b",
        b"a\xf0\x80\x81\xa1b",
        b"a\xed\xbf\xbfb",
        b"a\xf5\x80\x80\x80b",
    ],
)
@same_unicode
def test_invalid_bytes_part_words(text: bytes, student: Student) -> None:
    assert "".join(words(text)).isalpha()
    np.testing.assert_allclose(student.evidence(array([text])), expected(student, [text]), rtol=1e-12)
    assert student.score(array([text])).words[0] == len(words(text))


def random_text(rng: random.Random) -> bytes:
    """Anything: scripts, marks, pictures, raw bytes, NUL."""
    pools = (
        "abcXYZ ,.'-_09\0\n",
        "éÀßıİſΣσςĐ",
        "日本語漢字かなカー々〆",
        "ไทยกิน้ลาวမြန်",
        "👍🏽❤️🚀👩‍💻©™",
        "हिन्दीالعربية",
        "\u0301\u0308\u200d\ufe0f\u00ad\u2028\ufffd\ud7ff\ue000",
        "𝔘𐐀𐐨🄰𠀀",
    )
    parts: list[bytes] = []
    for _ in range(rng.randrange(60)):
        draw = rng.random()
        if draw < 0.06:
            parts.append(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5))))
        elif draw < 0.12:
            code = rng.randrange(0x110000)
            parts.append(chr(code).encode("utf-8", "surrogatepass"))
        else:
            parts.append("".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 6))).encode())
    return b"".join(parts)


@same_unicode
def test_random_unicode_reads_as_the_slow_way(student: Student) -> None:
    rng = random.Random(7)
    texts: list[bytes | None] = [None if rng.random() < 0.05 else random_text(rng) for _ in range(1500)]
    scores = student.score(array(texts))
    assert scores.words.tolist() == [len(words(text or b"")) for text in texts]
    np.testing.assert_allclose(student.evidence(array(texts)), expected(student, texts), rtol=1e-12)


def test_hash_of_a_word_is_fnv() -> None:
    assert hashed("") == 0xCBF29CE484222325  # values of the published test vectors of FNV-1a, 64 bits
    assert hashed("a") == 0xAF63DC4C8601EC8C
    assert hashed("foobar") == 0x85944171F73967E8


@same_unicode
@pytest.mark.parametrize("text", [b"a " * 9000, b"word" * 30000, "漢".encode() * 5000, b"ab cd " * 2731 + b"e"])
def test_texts_longer_than_a_block_of_words(text: bytes, student: Student) -> None:
    np.testing.assert_allclose(student.evidence(array([text])), expected(student, [text]), rtol=1e-12)


def test_ten_megabytes_in_one_document() -> None:
    """Two million equal words of the largest weight do not overflow: 2 x 32,767 x n over the root of 2n - 1."""
    student = Student(np.full((1024, 40), 32767, np.int16), 1.0, np.zeros(40))
    n = 2_000_000
    evidence = student.evidence(pa.array(["word " * n]))
    assert evidence[0, 39] == pytest.approx(32767 * np.sqrt(2 * n - 1), rel=1e-12)


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.int32(), pa.large_string()),
    ],
    ids=str,
)
def test_every_kind_of_string_scores_the_same(kind: pa.DataType, student: Student) -> None:
    texts = ["One, two", "", None, "日本", "One, two", "a longer text than twelve bytes"]
    plain = student.evidence(pa.array(texts))
    strings = pa.array(texts)
    strings = strings.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else strings.cast(kind)
    assert strings.type == kind
    np.testing.assert_array_equal(student.evidence(strings), plain)
    np.testing.assert_array_equal(student.evidence(strings.slice(2, 3)), plain[2:5])
    np.testing.assert_array_equal(student.evidence(pa.chunked_array([strings[:1], strings[1:1], strings[1:]])), plain)


def test_null_and_empty(student: Student) -> None:
    scores = student.score(pa.array([None, "", "..."]))
    assert scores.words.tolist() == [0, 0, 0]
    assert scores.cluster.tolist() == [0, 0, 0]
    assert scores.tokens.tolist() == [0, 0, 1]
    assert student.score(pa.array([], pa.string())).cluster.size == 0
    assert student.score(pa.nulls(2)).words.tolist() == [0, 0]
    assert student.score(pa.chunked_array([], pa.string())).margin.size == 0


def test_what_is_no_text_is_refused(student: Student) -> None:
    with pytest.raises(InputError) as refusal:
        student.score(pa.array([1, 2]))
    assert str(refusal.value) == (
        "Texts must be an Arrow array of strings; got type int64. Choose the column that holds text."
    )
