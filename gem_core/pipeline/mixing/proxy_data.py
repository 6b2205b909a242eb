"""Training and held-out token streams of each domain, for proxies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Progress, silent
from gem_core.errors import InputError
from gem_core.mixing.token_streams import Streams
from gem_core.pipeline.mixing.token_ids import END, VOCABULARY, TokenIds, token_ids
from gem_core.workspace import Workspace

UInt16 = NDArray[np.uint16]


@dataclass(frozen=True)
class SplitSettings:
    """How the documents of a domain are split.

    Attributes
    ----------
    vocabulary : int
        Tokens of the tokenizer.
    share : float
        Fraction of a domain's tokens that is held out.
    least : int
        Tokens that are held out at least, and that must be left to train on.
    most : int
        Tokens to train on, all domains together; a domain keeps at most its K-th part. They stay in memory, 2 bytes
        each.
    seed : int
    """

    vocabulary: int = VOCABULARY
    share: float = 0.05
    least: int = 2048
    most: int = 64_000_000
    seed: int = 0


@dataclass(frozen=True)
class ProxyCorpus:
    """Token ids of each domain, to train on and held out.

    Attributes
    ----------
    streams : Streams
    names : tuple of K str
    settings : SplitSettings
    tokenizer_hash : str
    """

    streams: Streams
    names: tuple[str, ...]
    settings: SplitSettings
    tokenizer_hash: str


def proxy_corpus(
    workspace: Workspace,
    positions: ArrayLike,
    names: Sequence[str],
    settings: SplitSettings | None = None,
    *,
    progress: Progress = silent,
) -> ProxyCorpus:
    """Split the documents of each domain into a stream to train on and a held-out one.

    Documents are used in an order that a hash of their tokens and the seed decide, the first into the held-out stream
    until it has max(`share` of the domain, `least`) tokens. So copies of a document are on one side, and a document is
    held out or not nearly independently of the partition. Token ids are made once a corpus (`token_ids`).

    Parameters
    ----------
    workspace : Workspace
    positions : (n,) int
        Domain of each document, 0 to K - 1; -1 for none.
    names : sequence of K str
    settings : SplitSettings, optional
    progress : Progress
        Called as progress("read as tokens", done, documents) the first time.

    Raises
    ------
    InputError
        If a domain has too few tokens for both streams; the message names it.
    """
    split_settings = settings or SplitSettings()
    ids = token_ids(workspace, split_settings.vocabulary, progress=progress)
    domain_index = np.asarray(positions)
    multiplier = np.uint64(
        np.random.default_rng(split_settings.seed).integers(2**62) * 2 + 1
    )  # odd: a permutation of the hashes
    order = np.argsort(ids.marks * multiplier, kind="stable")
    lengths = np.diff(ids.ends, prepend=0) + 1  # with the token in front
    rows = [order[domain_index[order] == k] for k in range(len(names))]
    split = [_count_held_out(lengths[domain_rows], ids.marks[domain_rows], split_settings) for domain_rows in rows]
    short = [
        k
        for k, (domain_rows, held_count) in enumerate(zip(rows, split, strict=True))
        if not split_settings.least <= lengths[domain_rows[held_count:]].sum()
    ]
    if short:
        described = [f"{names[k]!r} with {lengths[rows[k]].sum():,} in {rows[k].size:,} documents" for k in short[:3]]
        raise InputError(
            f"Each domain needs about {2 * split_settings.least:,} tokens, for training and for a held-out set",
            ", ".join(described) + (f" and {len(short) - 3} more" if len(short) > 3 else ""),
            "Merge it with another cluster, exclude it, or hold out fewer tokens",
        )
    limit = split_settings.most // len(names)
    train = tuple(
        _concatenate(ids, domain_rows[held_count:], limit) for domain_rows, held_count in zip(rows, split, strict=True)
    )
    return ProxyCorpus(
        Streams(
            train,
            tuple(
                _concatenate(ids, domain_rows[:held_count], limit)
                for domain_rows, held_count in zip(rows, split, strict=True)
            ),
            ids.vocabulary,
        ),
        tuple(names),
        split_settings,
        ids.tokenizer_hash,
    )


def _count_held_out(lengths: NDArray[np.int64], marks: NDArray[np.uint64], settings: SplitSettings) -> int:
    """How many of the ordered documents are held out: whole groups of copies, until there are tokens enough."""
    total = np.cumsum(lengths)
    if not total.size or total[-1] < settings.least:
        return len(lengths)
    need = max(settings.share * total[-1], settings.least)
    last = int(np.searchsorted(total, need))
    while last + 1 < len(marks) and marks[last + 1] == marks[last]:
        last += 1
    return last + 1


def _concatenate(ids: TokenIds, rows: NDArray[np.int64], limit: int) -> UInt16:
    """Join some documents, `limit` tokens at most."""
    parts, room = [], limit
    for row in rows:
        if room <= 0:
            break
        document = ids.document(int(row))[: room - 1]
        parts += [np.array([END], dtype=np.uint16), document]
        room -= len(document) + 1
    stream = np.concatenate(parts)
    stream.setflags(write=False)
    return stream
