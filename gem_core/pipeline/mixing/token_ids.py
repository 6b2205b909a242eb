"""Token ids of the corpus, from a byte-pair tokenizer trained on it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gem_core._content_key import content_key
from gem_core._types import Progress, frozen, silent
from gem_core.embedding.tokens import cut_text
from gem_core.errors import InputError
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_folder
from gem_core.workspace.mixing_runs import FOLDER

if TYPE_CHECKING:
    from tokenizers import Tokenizer

STEP = "read as tokens"
END = 0  # stands in front of every document
VOCABULARY = 2048  # a small model spends most of its time on its vocabulary
_LEARN = 4_000_000  # characters that the tokenizer is trained on
_OPENING = 1000  # of them from one document, or more where documents are few
_BATCH = 256  # documents whose ids are in memory at once


@dataclass(frozen=True)
class TokenIds:
    """Token ids of every document.

    Attributes
    ----------
    ids : (N,) uint16
        All documents one after the other, on disk until they are read.
    ends : (n,) int64
        Where each document ends in `ids`.
    marks : (n,) uint64
        Hash of a document's ids: copies of a document have the same.
    vocabulary : int
    tokenizer_hash : str
        SHA-256 of the tokenizer.
    """

    ids: NDArray[np.uint16]
    ends: NDArray[np.int64]
    marks: NDArray[np.uint64]
    vocabulary: int
    tokenizer_hash: str

    def document(self, row: int) -> NDArray[np.uint16]:
        """Token ids of one document."""
        return self.ids[self.ends[row - 1] if row else 0 : self.ends[row]]


def token_ids(workspace: Workspace, vocabulary: int = VOCABULARY, *, progress: Progress = silent) -> TokenIds:
    """Return the token ids of a corpus; they are made the first time and kept in the workspace.

    A byte-level byte-pair tokenizer is trained on up to 4 million characters of the corpus, spread over all of it, so
    no text is foreign to it. Memory is that of 256 documents; 2 bytes per token on disk.

    Parameters
    ----------
    workspace : Workspace
    vocabulary : int
        Number of different tokens, 300 to 4,096.
    progress : Progress
        Called as progress("read as tokens", done, documents).

    Raises
    ------
    InputError
        If the vocabulary is out of range.
    WorkspaceError
        If the workspace cannot be written.
    """
    if not 300 <= vocabulary <= 4096:  # tables of token pairs are kept in memory
        raise InputError("The vocabulary must have from 300 to 4,096 tokens", f"{vocabulary:,}", "Use 2,048")
    folder = _folder(workspace, vocabulary)
    if not folder.exists():
        write_folder(folder, lambda new: _write_token_ids(workspace, vocabulary, new, progress))
    tokenizer = (folder / "tokenizer.json").read_bytes()
    ends = np.load(folder / "ends.npy")
    ids = np.memmap(folder / "ids.bin", dtype=np.uint16, mode="r") if ends[-1] else np.empty(0, dtype=np.uint16)
    return TokenIds(
        ids, frozen(ends), frozen(np.load(folder / "marks.npy")), vocabulary, hashlib.sha256(tokenizer).hexdigest()
    )


def encode_texts(workspace: Workspace, vocabulary: int, texts: Sequence[str]) -> tuple[NDArray[np.uint16], ...]:
    """Return the token ids of other texts by the tokenizer of a corpus; `token_ids` has made it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_folder(workspace, vocabulary) / "tokenizer.json"))
    return tuple(_encode(tokenizer, tuple(texts)))


def _folder(workspace: Workspace, vocabulary: int) -> Path:
    key = content_key([workspace.manifest.data_hash, "byte pairs", vocabulary, _LEARN])
    return workspace.root / FOLDER / f"tokens-{key}"


def _write_token_ids(workspace: Workspace, vocabulary: int, folder: Path, progress: Progress) -> None:
    n = len(workspace)
    progress(STEP, 0, n)
    tokenizer = _train_tokenizer(workspace, vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"))
    lengths, marks = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.uint64)
    row = 0
    with (folder / "ids.bin").open("wb") as file:
        remaining_texts = workspace.all_texts()
        while texts := tuple(islice(remaining_texts, _BATCH)):
            for ids in _encode(tokenizer, texts):
                raw = ids.tobytes()
                file.write(raw)
                lengths[row] = ids.size
                marks[row] = int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest())
                row += 1
            progress(STEP, row, n)
    np.save(folder / "ends.npy", np.cumsum(lengths))
    np.save(folder / "marks.npy", marks)


def _train_tokenizer(workspace: Workspace, vocabulary: int) -> "Tokenizer":
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<end>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(_tokenizer_text(workspace), trainer)
    return tokenizer


def _tokenizer_text(workspace: Workspace) -> Iterator[str]:
    """Return openings of documents spread evenly over the corpus."""
    prefix_length = max(_LEARN // len(workspace), _OPENING)
    step = max(len(workspace) * prefix_length // _LEARN, 1)
    return (text[:prefix_length] for text in islice(workspace.all_texts(), 0, None, step))


def _encode(tokenizer: "Tokenizer", texts: tuple[str, ...]) -> Iterator[NDArray[np.uint16]]:
    pieces = [(text_index, piece) for text_index, text in enumerate(texts) for piece in cut_text(text)]
    token_lists: list[list[int]] = [[] for _ in texts]
    encoded = tokenizer.encode_batch_fast([piece for _, piece in pieces], add_special_tokens=False)
    for (text_index, _), encoding in zip(pieces, encoded, strict=True):
        token_lists[text_index] += encoding.ids
    for ids in token_lists:
        yield np.array(ids, dtype=np.uint16)
