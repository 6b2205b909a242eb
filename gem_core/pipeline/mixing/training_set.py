"""Training set for a mixture: documents sampled to a token budget and written as shards."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gem_core._checkpoints import read_record
from gem_core._content_key import content_key
from gem_core._storage import is_remote, output_path, store_errors
from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.document_sampling import draw_long_first, draw_tokens
from gem_core.mixing.inclusion_probabilities import density_of, inclusion
from gem_core.mixing.weights import MANY_EPOCHS
from gem_core.pipeline.labeling.completion_markers import bookkeeping, earlier_version_error
from gem_core.pipeline.mixing.document_pieces import Pieces, cut_documents, whole_documents
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.training_shards import FORMS, Form, deal_blocks, write_shards
from gem_core.pipeline.mixing.weights_file import WeightsFile, for_domains
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import TEMPORARY, alone, clear_leftovers, unwritable, write_json
from gem_core.workspace.manifest import versions
from gem_core.workspace.mixing_runs import same_clusters

Inside = Literal["uniform", "grip"]
INSIDE: tuple[Inside, ...] = get_args(Inside)
Long = Literal["keep", "stratify", "split"]
LONG: tuple[Long, ...] = get_args(Long)
LONG_PART = 0.05  # of the tokens that a cluster is to have: a longer document is a long one
SHARE_OFF = 0.05  # relative: a share that is further off is said
SHARD_TOKENS = 1 << 24  # of one file; what is in memory at a time
MANIFEST, LOCK = "manifest.json", "lock"
RULES: dict[Inside, str] = {
    "uniform": "every document of a cluster has the same chance",
    "grip": "chance ~ exp(0.3 z(log tokens)) / density in the clustering space, at most 1",
}


@dataclass(frozen=True)
class TrainingSetRequest:
    """Request for a training set: size, seed, sampling rule and format.

    Attributes
    ----------
    tokens : int
        Of the whole set.
    seed : int
    inside : "uniform" or "grip"
        Who is drawn inside a cluster (`RULES`).
    form : "parquet" or "jsonl.zst"
    max_epochs : float
        How often a cluster may be read.
    shard_tokens : int
        Tokens of a file, about; so much text is in memory.
    long : "keep", "stratify" or "split"
        Whether documents with more than `LONG_PART` of their cluster's tokens are drawn like the others, or first
        (`draw_long_first`), so that the others make up what is missing, or in pieces (`cut_documents`).
    """

    tokens: int
    seed: int = 0
    inside: Inside = "uniform"
    form: Form = "parquet"
    max_epochs: float = MANY_EPOCHS
    shard_tokens: int = SHARD_TOKENS
    long: Long = "keep"


@dataclass(frozen=True)
class TrainingSet:
    """A training set on disk.

    Attributes
    ----------
    folder : Path
    domains : Domains
    weights : (K,) float64
    requested_tokens, drawn_tokens : (K,) float64 and int64
        Tokens of each domain.
    drawn_documents : (K,) int64
        Documents of each domain, each as often as it is read.
    shards : tuple of str
        Names of the files.
    """

    folder: Path
    domains: Domains
    weights: Float64
    requested_tokens: Float64
    drawn_tokens: NDArray[np.int64]
    drawn_documents: NDArray[np.int64]
    shards: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each cluster whose tokens are more than `SHARE_OFF` away from the request, worst first."""
        has_request = self.requested_tokens > 0
        miss = np.where(has_request, self.drawn_tokens / np.where(has_request, self.requested_tokens, 1.0) - 1.0, 0.0)
        sentences = []
        for at in np.argsort(-np.abs(miss), kind="stable"):
            if abs(miss[at]) <= SHARE_OFF:
                break
            tokens = self.domains.document_tokens[self.domains.positions == at]
            sentences.append(
                f"cluster {self.domains.numbers[at]} ({self.domains.names[at]}) has {self.drawn_tokens[at]:,} tokens "
                f"instead of {self.requested_tokens[at]:,.0f} ({miss[at]:+.0%}): its longest document has "
                f"{int(tokens.max()):,}; draw long documents first with --long stratify, or in pieces with --long split"
            )
        return tuple(sentences)


def draw_training_set(
    workspace: Workspace,
    taxonomy: Taxonomy,
    file: WeightsFile,
    folder: Path,
    request: TrainingSetRequest,
    *,
    progress: Progress = silent,
) -> TrainingSet:
    r"""Sample documents by weights and write them as shards with a manifest.

    Domain k gets N w_k tokens: each document floor(N w_k / T_k) times, and once more by chance (`draw_tokens`). Rows of
    a shard: id, text, cluster_id, tokens, copy (0 for the first reading of a document), expected_copies (whole epochs
    plus the chance); where long documents are split also piece (from 0) and pieces. Groups of
    documents are dealt to the shards at random, and rows are in random order. The same order gives the
    same bytes. Finished shards are kept when a run is stopped; the same call goes on from there.

    Memory holds the text of one shard, twice while its rows are put in order; with "grip" also the vectors of one
    cluster.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    file : WeightsFile
        Of this taxonomy.
    folder : Path
        On this machine or in a store; made if absent; empty, or holding this same training set, whole or in part. It
        holds the shards alone and so opens as data; manifest.json is beside it, in the hidden folder
        .NAME.gem-explorer.
    request : TrainingSetRequest
    progress : Progress
        Receives "draw documents" in clusters and "write documents" in documents.

    Returns
    -------
    TrainingSet

    Raises
    ------
    InputError
        If the weights belong to another taxonomy, a cluster would be read too often, the order is no order, or the
        folder holds something else.
    WorkspaceError
        If the folder cannot be written.
    """
    domains = domains_of(workspace, taxonomy)
    weights = for_domains(file, domains, same_clusters(workspace, domains.taxonomy_hash))
    _check(request)
    requested_tokens = request.tokens * weights
    _check_epochs(domains, requested_tokens, request)
    facts = _request_facts(workspace, domains, weights, file.strategy, request)
    key, folder = content_key(facts, 64), output_path(folder).absolute()
    own = bookkeeping(folder)
    with store_errors(folder), alone(own, LOCK, "One process at a time writes a training set"):
        known_hashes = _claim_folder(folder, key, facts)
        pieces = _pieces(domains, requested_tokens, request)
        copies, expected = _draw_copies(workspace, domains, pieces, requested_tokens, request, progress)
        columns: dict[str, NDArray[Any]] = {
            "cluster_id": np.array([*domains.numbers, -1], dtype=np.int32)[domains.positions[pieces.rows]],
            "tokens": pieces.tokens,
            "expected_copies": expected,
        }
        if request.long == "split":
            columns |= {"piece": pieces.number, "pieces": pieces.count}
        shards = write_shards(
            workspace.root / "documents.parquet",
            folder,
            deal_blocks(
                workspace.root / "documents.parquet", pieces, copies, request.form, request.shard_tokens, request.seed
            ),
            pieces,
            columns,
            request.form,
            finished_hashes=known_hashes,
            progress=progress,
        )
        training_set = _training_set(
            folder, domains, weights, requested_tokens, pieces, copies, tuple(entry["file"] for entry in shards)
        )
        write_json(
            own / MANIFEST,
            {
                **facts,
                "order": key,
                "complete": True,
                "shards": shards,
                "versions": versions(),
                **_manifest_facts(training_set),
            },
        )
    return training_set


def _training_set(
    folder: Path,
    domains: Domains,
    weights: Float64,
    requested_tokens: Float64,
    pieces: Pieces,
    copies: NDArray[np.int32],
    shards: tuple[str, ...],
) -> TrainingSet:
    positions = domains.positions[pieces.rows]
    in_domain = positions >= 0
    got, document_counts = (np.zeros(len(domains.numbers), dtype=np.int64) for _ in range(2))
    np.add.at(got, positions[in_domain], (copies.astype(np.int64) * pieces.tokens)[in_domain])
    np.add.at(document_counts, positions[in_domain], copies[in_domain])
    return TrainingSet(folder, domains, weights, frozen(requested_tokens), frozen(got), frozen(document_counts), shards)


def _check(request: TrainingSetRequest) -> None:
    for name, value, known_hashes in (
        ("--inside", request.inside, INSIDE),
        ("--format", request.form, FORMS),
        ("--long", request.long, LONG),
    ):
        if value not in known_hashes:
            raise InputError(f"{name} must be one of {', '.join(known_hashes)}", f"{value}", "Choose one of them")
    if request.tokens < 1 or request.shard_tokens < 1 or not request.max_epochs > 0:
        raise InputError(
            "Tokens, tokens of a file and epochs must be above 0",
            f"{request.tokens:,}, {request.shard_tokens:,} and {request.max_epochs:g}",
            "Give positive numbers",
        )


def _check_epochs(domains: Domains, requested_tokens: Float64, request: TrainingSetRequest) -> None:
    epochs = np.where(
        requested_tokens > 0, requested_tokens / np.maximum(domains.tokens, 1e-9), 0.0
    )  # no tokens: never enough
    over = np.flatnonzero(epochs > request.max_epochs * (1 + 1e-9))
    if over.size:
        worst = int(epochs.argmax())
        more = f", and {over.size - 1} more" if over.size > 1 else ""
        status = f"{epochs[worst]:.2f} times" if domains.tokens[worst] else "tokens that it does not have"
        raise InputError(
            f"At {request.tokens:,} tokens no cluster may be read more than {request.max_epochs:g} times",
            f"{status} for cluster {domains.numbers[worst]}{more}",
            f"Make weights for it: gem-explorer mix weights DIR --budget {request.tokens} --max-epochs "
            f"{request.max_epochs:g}, ask for fewer tokens, or raise --max-epochs",
        )


def _request_facts(
    workspace: Workspace, domains: Domains, weights: Float64, strategy: str, request: TrainingSetRequest
) -> dict[str, Any]:
    """Return everything that affects the bytes of the shards."""
    return {
        "data_hash": workspace.manifest.data_hash,
        "taxonomy_hash": domains.taxonomy_hash,
        "strategy": strategy,
        "weights": {str(n): float(w) for n, w in zip(domains.numbers, weights, strict=True)},
        "tokens_asked": request.tokens,
        "seed": request.seed,
        "inside": request.inside,
        "format": request.form,
        "max_epochs": float(request.max_epochs),
        "shard_tokens": request.shard_tokens,
        **({} if request.long == "keep" else {"long": request.long}),
    }


def _claim_folder(folder: Path, key: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """Claim an empty folder, or resume one of the same request; return the hashes of its shards if it was complete."""
    path = bookkeeping(folder) / MANIFEST
    expected = "The folder must be empty, or hold a part of this same training set"
    if not is_remote(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error
    entries = [entry for entry in folder.iterdir() if not TEMPORARY.match(entry.name)] if folder.exists() else []
    if entries and path.exists():
        manifest = read_record(path) or {}  # empty where it is damaged
        if manifest.get("order") == key:
            if not is_remote(folder):
                clear_leftovers(folder, older=-1.0)  # This process holds the lock, so no other process writes there.
            return {entry["file"]: entry["sha256"] for entry in manifest.get("shards", ())}
        raise InputError(expected, f"{folder}, which holds another", "Choose another folder, or give the same options")
    if any(entry.name == MANIFEST for entry in entries):
        raise earlier_version_error(folder)
    if entries:
        raise InputError(expected, f"{folder}, which holds other files", "Choose another folder")
    write_json(path, {**facts, "order": key, "complete": False})
    return {}


def _pieces(domains: Domains, requested_tokens: Float64, request: TrainingSetRequest) -> Pieces:
    """Return the documents, or the pieces of long ones: those with more than `LONG_PART` of a cluster's tokens."""
    if request.long != "split":
        return whole_documents(domains.document_tokens)
    longest = np.array([*(LONG_PART * requested_tokens), np.inf])[domains.positions]
    return cut_documents(domains.document_tokens, longest)


def _draw_copies(
    workspace: Workspace,
    domains: Domains,
    pieces: Pieces,
    requested_tokens: Float64,
    request: TrainingSetRequest,
    progress: Progress,
) -> tuple[NDArray[np.int32], Float64]:
    """Return copies of each piece and their mean over seeds; each cluster has a stream of chance of its own."""
    positions = domains.positions[pieces.rows]
    copies, expected = np.zeros(len(positions), dtype=np.int32), np.zeros(len(positions))
    by_domain = np.argsort(positions, kind="stable")
    ends = np.searchsorted(positions[by_domain], np.arange(len(domains.numbers) + 1))
    for k, number in enumerate(domains.numbers):
        progress("draw documents", k, len(domains.numbers))
        rows = by_domain[ends[k] : ends[k + 1]]
        if requested_tokens[k] > 0:
            tokens, chances = pieces.tokens[rows], None
            if request.inside == "grip":
                documents, index = np.unique(pieces.rows[rows], return_inverse=True)
                length = np.log(np.maximum(tokens, 1))
                density = density_of(workspace.embeddings[documents], seed=request.seed)[index]

                def chances(count: int, length: Float64 = length, density: Float64 = density) -> Float64:
                    return inclusion(length, density, count)

            target, rng = float(requested_tokens[k]), np.random.default_rng([request.seed, number])
            if request.long == "stratify":
                draw = draw_long_first(tokens, target, rng, longest=LONG_PART * target, chances=chances)
            else:
                draw = draw_tokens(tokens, target, rng, chances=chances)
            copies[rows], expected[rows] = draw.copies, draw.expected
    progress("draw documents", len(domains.numbers), len(domains.numbers))
    return copies, frozen(expected)


def _manifest_facts(training_set: TrainingSet) -> dict[str, Any]:
    domains = training_set.domains
    columns = zip(
        domains.numbers,
        domains.names,
        training_set.weights,
        domains.tokens,
        training_set.requested_tokens,
        training_set.drawn_tokens,
        training_set.drawn_documents,
        strict=True,
    )
    return {
        "taxonomy_key": domains.taxonomy_key,
        "tokens_got": int(training_set.drawn_tokens.sum()),
        "documents": int(training_set.drawn_documents.sum()),
        "rule": "a cluster is read floor(asked / tokens) times, and each of its documents once more by chance; "
        "expected_copies is that number plus the chance",
        "rules_inside": RULES,
        "clusters": [
            {
                "cluster_id": number,
                "label": name,
                "weight": float(weight),
                "tokens": int(status),
                "tokens_asked": float(requested_tokens),
                "tokens_got": int(got),
                "documents": int(document_count),
                "epochs": float(requested_tokens / status) if status else 0.0,
            }
            for number, name, weight, status, requested_tokens, got, document_count in columns
        ],
    }
