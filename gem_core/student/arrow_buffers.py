"""Arrow text as the compiled functions read it: byte offsets, bytes, and which rows are there; nothing is copied."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gem_core._types import frozen
from gem_core.errors import InputError

# Everything is read-only, whatever owns the memory: compiled functions would tell the two apart and compile twice.
NO_BYTES = frozen(np.zeros(0, dtype=np.uint8))


@dataclass(frozen=True)
class TextBlock:
    """Texts that lie one behind the other in memory.

    Attributes
    ----------
    offsets : (n + 1,) int32 or int64
        Text i is data[offsets[i]:offsets[i + 1]].
    data : (bytes,) uint8
        UTF-8.
    valid : (n,) bool, or (0,) where no row is null
    """

    offsets: NDArray[np.signedinteger[Any]]
    data: NDArray[np.uint8]
    valid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def slice(self, start: int, stop: int) -> "TextBlock":
        """Rows from start to before stop."""
        return TextBlock(self.offsets[start : stop + 1], self.data, self.valid[start:stop])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes of each text, 0 for null."""
        lengths = np.diff(self.offsets).astype(np.int64)
        return np.where(self.valid, lengths, 0) if self.valid.size else lengths


def text_blocks(texts: pa.Array | pa.ChunkedArray) -> Iterator[TextBlock]:
    """Blocks of a text array, one a chunk, in order.

    Parameters
    ----------
    texts : pyarrow.Array or pyarrow.ChunkedArray
        string and large_string are read where they lie; string_view and dictionary are cast chunk by chunk.

    Raises
    ------
    InputError
        If the array does not hold text.
    """
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        yield _block(chunk)


def _block(chunk: pa.Array) -> TextBlock:
    kind = chunk.type
    if pa.types.is_dictionary(kind):
        chunk, kind = chunk.dictionary_decode(), kind.value_type
    if pa.types.is_string_view(kind) or pa.types.is_null(kind):
        chunk, kind = chunk.cast(pa.large_string()), pa.large_string()
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InputError("Texts must be an Arrow array of strings", f"type {kind}", "Choose the column that holds text")
    width: Any = np.int32 if pa.types.is_string(kind) else np.int64
    _, offsets, data = chunk.buffers()
    n = len(chunk)
    if n == 0 or offsets is None:
        return TextBlock(frozen(np.zeros(n + 1, dtype=width)), NO_BYTES, np.zeros(0, dtype=bool))
    valid = chunk.is_valid().to_numpy(zero_copy_only=False) if chunk.null_count else np.zeros(0, dtype=bool)
    return TextBlock(
        frozen(np.frombuffer(offsets, dtype=width, count=chunk.offset + n + 1)[chunk.offset :]),
        NO_BYTES if data is None else frozen(np.frombuffer(data, dtype=np.uint8)),
        np.asarray(valid, dtype=bool),
    )
