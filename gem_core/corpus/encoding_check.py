"""Tell a file of another encoding from one with a few damaged rows."""

from dataclasses import dataclass

from gem_core.errors import CorpusError

WRONG_ROWS = 3  # rows that are not UTF-8 below which a file is not taken to be of another encoding


class EncodingError(CorpusError):
    """Raised when a file of text is of another encoding than the one it is read with."""


@dataclass
class EncodingCheck:
    """Counts over the texts of one file.

    Attributes
    ----------
    wrong : int
        Texts that read as cp1252 and not as UTF-8.
    sound : int
        Texts of UTF-8 beyond ASCII.
    """

    wrong: int = 0
    sound: int = 0

    def count(self, text: str) -> bool:
        """Count a text; return whether it is UTF-8. Other bytes are lone surrogates in it (PEP 383)."""
        if text.isascii():
            return True
        sound = is_utf8(text)
        self.sound += sound
        self.wrong += not sound and _reads_as_cp1252(text)
        return sound

    def verify(self, name: str) -> None:
        """Refuse the file if most of its texts beyond ASCII read as cp1252 alone.

        Raises
        ------
        EncodingError
        """
        if self.wrong >= WRONG_ROWS and self.wrong > self.sound:
            raise EncodingError(
                f"{name} must be UTF-8",
                f"{self.wrong:,} rows that are not, and that can be read with --encoding cp1252 (Windows, Western "
                "Europe)",
                "Give --encoding cp1252 (or its real encoding), or save the file as UTF-8",
            )


def is_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8: it holds no lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _reads_as_cp1252(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape").decode("cp1252")
    except UnicodeError:  # Surrogates that an escape of JSON wrote, or bytes that no letter has.
        return False
    return True
