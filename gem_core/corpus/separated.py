"""Read csv and tsv text so that a stray quote costs one line and never the lines that follow."""

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator

from gem_core.corpus.unpack import OversizedRow

# The csv module's limit is one number for the whole process; a 10 MB document needs more than its 128 KiB.
CELL_LIMIT = 2**31 - 1


class _RecordTooLong(Exception):
    """A quoted cell goes on for more bytes than a row may have."""


class _LineFeed:
    """Lines for one csv reader, which can be given back when a record turns out to be broken."""

    def __init__(self, lines: Iterable[str], longest: int) -> None:
        self._lines, self._returned, self._longest = iter(lines), deque[str](), longest
        self.record: list[str] = []
        self.number = self._size = 0

    def begin_record(self) -> None:
        self.record, self._size = [], 0

    def __iter__(self) -> "_LineFeed":
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.record.append(line)
        self.number += 1
        self._size += len(line)
        if self._size > self._longest and len(self.record) > 1:
            raise _RecordTooLong
        return line

    def give_back(self) -> str:
        """Give every line of the record back but the first, and return that."""
        self._returned.extendleft(reversed(self.record[1:]))
        self.number -= len(self.record) - 1
        return self.record[0]


def read_cells(
    lines: Iterable[str | OversizedRow], separator: str, longest: int, width: int | None = None
) -> Iterator[tuple[int, list[str] | str]]:
    r"""Yield (line number from 1, cells) of every row that is not blank, or (line number, what is wrong with it).

    Quoted cells may hold line feeds. After an error reading goes on at the next line of the text. In tab-separated text
    a quote that does not close on its line, in a cell or before the next tab, is a letter like any other.

    Parameters
    ----------
    lines : iterable of str
        With their ends.
    separator : str
    longest : int
        Most letters of one row.
    width : int, optional
        Cells that a row must have; that of the first row when None.

    Examples
    --------
    >>> list(read_cells(["a,b\n", '1,"x\n', "2,y\n"], ",", 100))
    [(1, ['a', 'b']), (2, 'a quote that is never closed'), (3, ['2', 'y'])]
    """
    csv.field_size_limit(CELL_LIMIT)
    oversized: list[int] = []

    def sized() -> Iterator[str]:
        for line in lines:
            if isinstance(line, OversizedRow):
                oversized.append(line.limit)
                yield "\n"  # A blank line stands for it, so that it also ends an open quote's search.
            else:
                yield line

    feed = _LineFeed(_universal(sized()), longest)
    reader = csv.reader(feed, delimiter=separator, strict=True)
    while True:
        feed.begin_record()
        first = feed.number + 1
        try:
            cells = next(reader)
            problem = ""
        except StopIteration:
            if not feed.record:
                return
            problem = "a quote that is never closed"
        except _RecordTooLong:
            problem = "a quote that is not closed within the longest row"
        except csv.Error as error:
            unclosed = "unexpected end" in str(error)
            problem = "a quote that is never closed" if unclosed else str(error)
        if oversized:
            yield first, f"the row is longer than {oversized.pop():,} bytes"
            if not problem and not cells:
                continue
        several = len(feed.record) > 1
        if not problem and several and (separator == "\t" and any("\t" in c and "\n" in c for c in cells)):
            problem = "a quote that is not closed on its line"
        if not problem and several and width is not None and len(cells) != width:
            problem = f"a quote that is not closed on its line ({len(cells)} cells where the header has {width})"
        if problem:
            line = feed.give_back() if feed.record else ""
            if separator != "\t":
                yield first, problem
                continue
            cells = next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE), [])
        if cells:
            width = len(cells) if width is None else width
            yield first, cells


def _universal(lines: Iterator[str]) -> Iterator[str]:
    """Break lines at lone carriage returns where a file has no line feeds: old Macintoshes write them."""
    first = next(lines, "")
    if first.count("\r") > 1 and not first.endswith("\n"):
        yield from io.StringIO(first + "".join(lines), newline="")
        return
    yield first
    yield from lines


def choose_separator(header: str, tab_separated: bool) -> str:
    """Return the separator that the first line of a file shows.

    Examples
    --------
    >>> choose_separator("key;text", False)
    ';'
    """
    if tab_separated:
        return "\t"
    # Commas unless the header has none: spreadsheets of many countries write semicolons.
    return max([",", ";", "\t", "|"], key=lambda mark: (mark == "," and mark in header, header.count(mark)))
