"""The mix in the report: weights of the clusters as on Mixing, and the file weights.csv itself."""

import base64
import math
from dataclasses import dataclass

from gem_core._formatting import clean, count, decimal, percent
from gem_core.export.safe_csv import csv_text
from gem_core.export.saved_mix import saved_mix
from gem_core.export.tables import weights_table
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.second_axis import mixing_taxonomy


@dataclass(frozen=True)
class MixSection:
    """The current mix as text.

    Attributes
    ----------
    title : str
        The largest change from natural shares.
    note : str
        Strategy, budget and limits.
    rows : tuple of (cluster, natural share, weight, ratio, epochs)
        Largest weight first, the total last.
    csv : str
        Address of weights.csv, the same bytes as the exported file.
    """

    title: str
    note: str
    rows: tuple[tuple[str, str, str, str, str], ...]
    csv: str


def mix_section(workspace: Workspace, taxonomy: Taxonomy) -> MixSection | None:
    """Return the mix that was saved on Mixing; None if there is none.

    Raises
    ------
    WorkspaceError
        If the saved mix is damaged.
    """
    domains = mixing_taxonomy(workspace, taxonomy)
    weights = saved_mix(workspace, domains)
    if weights is None:
        return None
    limits = weights.limits
    rows = []
    for at in (-weights.weights).argsort(kind="stable"):
        ratio, epochs = float(weights.ratio[at]), float(weights.epochs[at])
        rows.append(
            (
                clean(domains.cluster(weights.numbers[at]).label, 120),
                percent(float(weights.natural[at])),
                percent(float(weights.weights[at])),
                f"{ratio:.2f}" if math.isfinite(ratio) else "-",
                f"{epochs:.2f}" if math.isfinite(epochs) else "-",
            )
        )
    total = "-" if limits.budget is None else f"{limits.budget / float(weights.tokens.sum()):.2f}"
    rows.append(("Total", percent(1.0), percent(1.0), "1.00", total))
    change = weights.weights - weights.natural
    up = int(change.argmax())
    parts = [f"strategy {clean(weights.strategy, 40)}"]
    parts += [] if limits.budget is None else [f"{count(round(limits.budget))} tokens"]
    parts += [] if limits.max_epochs is None else [f"at most {limits.max_epochs:g} epochs"]
    parts += [] if limits.pool is None else [f"pool of {count(sum(limits.pool))} tokens"]
    return MixSection(
        title=f"Mix: as even as {decimal(weights.effective, 1)} clusters; "
        + (
            f"{clean(domains.cluster(weights.numbers[up]).label, 60)} +{100 * change[up]:.1f} points"
            if change[up] >= 5e-4
            else "natural shares"
        ),
        note=", ".join(parts),
        rows=tuple(rows),
        csv="data:text/csv;base64," + base64.b64encode(csv_text(weights_table(domains, weights)).encode()).decode(),
    )
