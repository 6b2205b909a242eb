"""Unapplied state of the views: one object per view, of a class that the view defines."""

from typing import TypeVar, cast

Draft = TypeVar("Draft")


class Drafts:
    """One object of each class; all are dropped when another workspace is opened."""

    def __init__(self) -> None:
        self._by_class: dict[type, object] = {}

    def find(self, kind: type[Draft]) -> Draft | None:
        """Return the object of a class, or None if there is none yet."""
        return cast(Draft | None, self._by_class.get(kind))

    def get(self, kind: type[Draft]) -> Draft:
        """Return the object of a class; the first call creates it without arguments."""
        return cast(Draft, self._by_class.setdefault(kind, kind()))

    def put(self, draft: object) -> None:
        """Replace the object of a class."""
        self._by_class[type(draft)] = draft
