"""Token budgets and pool sizes as text, such as 10e9, 10B or x1000, and the limits they state."""

import json
import re
from pathlib import Path

from gem_core._storage import storage_path
from gem_core.errors import InputError
from gem_core.mixing import Limits
from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.labeling.totals import TOTALS
from gem_core.pipeline.mixing.domains import Domains

_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_AMOUNT = re.compile(r"([0-9][0-9_,]*(?:\.[0-9]+)?(?:e[+]?[0-9]+)?|\.[0-9]+)\s*([kmbgt]?)", re.IGNORECASE)


def parse_tokens(text: str, option: str = "--budget") -> float:
    """Return a number of tokens from text such as 10e9, 10B, 300M or 83,159.

    Raises
    ------
    InputError
        If the text is not such a number, or it is not above 0.

    Examples
    --------
    >>> parse_tokens("10B"), parse_tokens("1.5e9"), parse_tokens("83,159")
    (10000000000.0, 1500000000.0, 83159.0)
    """
    match = _AMOUNT.fullmatch(text.strip())
    value = float(match[1].replace(",", "").replace("_", "")) * _UNITS[match[2].lower()] if match else 0.0
    if not 0 < value < float("inf"):
        raise InputError(f"{option} must be a number of tokens above 0", repr(text)[:60], "Use 10e9, 10B or 300M")
    return value


def read_limits(
    domains: Domains,
    budget: str | None,
    max_epochs: float | None,
    pool: str | None,
    floor: float = 0.0,
    fold: float = 0.0,
) -> Limits:
    """Return the limits that the options state, with the tokens of the pool for each cluster.

    Raises
    ------
    InputError
        If an option cannot be read, or the budget needs more tokens than there are; the message names the ways out.
    """
    tokens = None if pool is None else pool_tokens(domains, pool)
    amount = None if budget is None else parse_tokens(budget)
    limits = Limits(amount, max_epochs, floor, fold, tokens)
    check_budget(domains, limits)
    return limits


def check_budget(domains: Domains, limits: Limits) -> None:
    """Refuse a budget that the sample alone cannot meet within the epochs.

    Raises
    ------
    InputError
        If so and no pool is given; the message names the ways out.
    """
    if limits.pool is not None or limits.budget is None or limits.max_epochs is None:
        return
    have = int(domains.tokens.sum())
    if have * limits.max_epochs < limits.budget * (1 - 1e-12):
        raise InputError(
            f"{limits.budget:,.0f} tokens at no more than {limits.max_epochs:g} epochs need "
            f"{limits.budget / limits.max_epochs:,.0f} tokens",
            f"this sample has {have:,} tokens: give --pool",
            f"Set the pool size, such as --pool 5e12, lower the budget to {have * limits.max_epochs:,.0f}, or allow "
            f"{limits.budget / have:,.2f} epochs",
        )


def pool_tokens(domains: Domains, pool: str) -> tuple[int, ...]:
    """Return the tokens of each cluster in the pool.

    Raises
    ------
    InputError
        If the text is neither tokens, a factor, a labeled folder nor the totals.json of one, with this taxonomy's
        clusters.
    """
    if pool.lower().startswith("x"):
        return _scale_tokens(domains, parse_tokens(pool[1:], "--pool"))
    path = storage_path(pool)
    if path.is_dir():
        path = bookkeeping(path) / TOTALS
    if path.suffix == ".json" or path.exists():
        return _read_totals(domains, path)
    return _scale_tokens(domains, parse_tokens(pool, "--pool") / float(domains.tokens.sum()))


def _scale_tokens(domains: Domains, factor: float) -> tuple[int, ...]:
    return tuple(round(int(tokens) * factor) for tokens in domains.tokens)


def _read_totals(domains: Domains, path: Path) -> tuple[int, ...]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        totals = {int(row["cluster_id"]): int(row["tokens"]) for row in value["clusters"]}
        taxonomy_hash = str(value["taxonomy_hash"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "--pool must be a number of tokens, a factor such as x1000, or a labeled folder or its totals.json",
            f"{path}: {error}",
            "Use --pool 5e12, for example",
        ) from error
    if taxonomy_hash != domains.taxonomy_hash:
        raise InputError(
            f"totals.json must belong to this taxonomy ({domains.taxonomy_hash[:12]})",
            f"taxonomy {taxonomy_hash[:12]}",
            "Label the pool with a student of this taxonomy, or give its tokens: --pool 5e12",
        )
    missing = [number for number in domains.numbers if number not in totals]
    if missing:
        raise InputError(
            "totals.json must count the tokens of every cluster",
            f"none for cluster {missing[0]}",
            "Label the pool again",
        )
    return tuple(totals[number] for number in domains.numbers)
