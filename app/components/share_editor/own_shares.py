"""Custom target shares, one per cluster, with locks."""

from dataclasses import dataclass, field

from app.components.share_editor import Change
from gem_core._formatting import percent
from gem_core.errors import InputError
from gem_core.geometry import rebalance


@dataclass
class OwnShares:
    """Shares that a person sets, in the order of the clusters, which of them are locked, and what to say about it."""

    shares: tuple[float, ...] = ()
    locked: list[bool] = field(default_factory=list)
    note: str = ""

    def start(self, shares: tuple[float, ...]) -> None:
        """Begin anew from these shares, all unlocked."""
        self.shares, self.locked, self.note = shares, [False] * len(shares), ""

    def change(self, what: Change) -> None:
        """Set a share, as far as the locked ones leave room, or turn a lock."""
        self.note = ""
        if what.lock is not None:
            self.locked[what.at] = what.lock
            return
        room = max(0.0, 1.0 - sum(s for s, kept in zip(self.shares, self.locked, strict=True) if kept))
        asked = what.value or 0.0
        if asked > room + 1e-9:
            self.note = f"At most {percent(room)}: the locked shares hold the rest."
        try:
            new = rebalance(self.shares, what.at, min(max(asked, 0.0), room), self.locked)
        except InputError as error:  # a click that came after the lock
            self.note = str(error)
            return
        self.shares = tuple(float(share) for share in new)
