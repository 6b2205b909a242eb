"""Settings that are tried in Balance and not applied yet."""

from dataclasses import dataclass, field, replace

from app.components.share_editor.own_shares import OwnShares
from app.state.session import Session
from gem_core.clustering import Suggestion
from gem_core.workspace import Settings, Taxonomy


@dataclass
class BalanceDraft:
    """Settings that are tried and not applied.

    `round` counts how often they were set from outside the widgets, `own` holds the shares that a person sets one by
    one, `suggested` whether the reason of the suggested strength is shown.
    """

    key: str
    settings: Settings
    round: int = 0
    own: OwnShares = field(default_factory=OwnShares)
    suggested: bool = False

    def put(self, settings: Settings) -> None:
        """Set the draft; the widgets start again from it."""
        if settings.target != self.settings.target:
            self.own = OwnShares()
        self.settings, self.round = settings, self.round + 1

    def take(self, suggestion: Suggestion) -> None:
        """Follow a suggestion and show its reason."""
        self.suggested = True
        if suggestion.strength is not None:
            self.put(replace(self.settings, strength=suggestion.strength))


def applied(taxonomy: Taxonomy) -> Settings:
    """Return settings of the current taxonomy; own shares in the order of its clusters."""
    settings = taxonomy.settings
    if isinstance(settings.target, str) or settings.n_clusters != len(taxonomy.clusters):
        return settings
    return replace(settings, target=tuple(float(share) for share in taxonomy.fit.target))


def draft_of(session: Session, taxonomy: Taxonomy) -> BalanceDraft:
    """Return the draft of this screen, a new one after every apply, undo or change of workspace."""
    key = f"{taxonomy.data_hash}/{taxonomy.key}"
    draft = session.drafts.find(BalanceDraft)
    if draft is None or draft.key != key:
        draft = BalanceDraft(key, applied(taxonomy), 0 if draft is None else draft.round + 1)
        session.drafts.put(draft)
    return draft
