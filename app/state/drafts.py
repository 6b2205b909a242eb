"""Unapplied state of the views: one object per view, of a class that the view defines."""

from dataclasses import dataclass, field
from typing import TypeVar, cast

Draft = TypeVar("Draft")


@dataclass
class Drafts:
    """One object of each class; all are dropped when another workspace is opened."""

    by_class: dict[type, object] = field(default_factory=dict)

    def find(self, kind: type[Draft]) -> Draft | None:
        """Return the object of a class, or None if there is none yet."""
        return cast(Draft | None, self.by_class.get(kind))

    def get(self, kind: type[Draft]) -> Draft:
        """Return the object of a class; where there is none yet, create it without arguments."""
        if kind not in self.by_class:
            self.by_class[kind] = kind()
        return cast(Draft, self.by_class[kind])

    def put(self, draft: object) -> None:
        """Replace the object of a class."""
        self.by_class[type(draft)] = draft
