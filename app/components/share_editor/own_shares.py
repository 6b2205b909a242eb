"""Custom target shares, one per cluster, with locks."""

from dataclasses import dataclass, field

from app.components.share_editor import Change
from gem_core._formatting import percent
from gem_core.errors import InputError
from gem_core.geometry import rebalance


@dataclass
class OwnShares:
    """Custom shares in the order of the clusters, their locks, and a note about the last change."""

    shares: tuple[float, ...] = ()
    locked: list[bool] = field(default_factory=list)
    note: str = ""

    def start(self, shares: tuple[float, ...]) -> None:
        """Reset to these shares, all unlocked."""
        self.shares, self.locked, self.note = shares, [False] * len(shares), ""

    def change(self, what: Change) -> None:
        """Set a share as far as the locked shares allow, or toggle a lock."""
        self.note = ""
        if what.lock is not None:
            self.locked[what.at] = what.lock
            return
        room = max(0.0, 1.0 - sum(s for s, locked in zip(self.shares, self.locked, strict=True) if locked))
        requested = what.value or 0.0
        if requested > room + 1e-9:
            self.note = f"At most {percent(room)}: locked shares take the rest."
        try:
            new = rebalance(self.shares, what.at, min(max(requested, 0.0), room), self.locked)
        except InputError as error:  # A click may arrive after the share was locked.
            self.note = str(error)
            return
        self.shares = tuple(float(share) for share in new)
