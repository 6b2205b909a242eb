"""Goals of a workspace: saved by name under their taxonomy, with the token streams of their validation files."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Progress, silent
from gem_core.errors import InputError, WorkspaceError
from gem_core.mixing.goals import Goal, corpus_goal
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.proxy_data import ProxyCorpus, SplitSettings, proxy_corpus
from gem_core.pipeline.mixing.token_ids import END, encode_texts
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import write_json, write_whole
from gem_core.workspace.mixing_runs import FOLDER as MIXING
from gem_core.workspace.mixing_runs import Mixes, same_clusters

GOALS = "goals"  # folder of the goals of a taxonomy
FILE_ENDINGS = (".jsonl", ".parquet", ".csv", ".tsv", ".txt")
_VALIDATION = "validation"  # folder of uploaded validation files, under mixing/
_LEAST_TOKENS = 65  # a window of the proxies


def save_goal(workspace: Workspace, domains: Domains, goal: Goal) -> Path:
    """Write a goal to the workspace; a goal of that name is replaced.

    Raises
    ------
    InputError
        If the goal names a cluster that is excluded or not in the taxonomy.
    """
    goal.shares(domains.numbers, domains.natural)
    path = _path(workspace, domains.taxonomy_hash, goal.name)
    write_json(
        path,
        {
            "name": goal.name,
            "clusters": {str(number): weight for number, weight in goal.clusters.items()},
            "natural": goal.natural,
            "files": {str(Path(file).resolve()): weight for file, weight in goal.files.items()},
            "taxonomy_hash": domains.taxonomy_hash,
        },
    )
    return path


def read_goal(workspace: Workspace, domains: Domains, name: str) -> Goal:
    """Return a saved goal; "corpus" is always there.

    Raises
    ------
    InputError
        If there is none of that name.
    WorkspaceError
        If its file is damaged.
    """
    if name == corpus_goal().name:
        return corpus_goal()
    path = goal_path(workspace, domains, name)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return Goal(
            str(value["name"]),
            {int(number): float(weight) for number, weight in value["clusters"].items()},
            float(value["natural"]),
            {str(file): float(weight) for file, weight in value["files"].items()},
        )
    except FileNotFoundError:
        choices = ", ".join(["corpus", *goal_names(workspace, domains)])
        raise InputError(
            "The goal must be saved for this taxonomy",
            repr(name)[:80],
            f"Choose one of: {choices}; or save it: gem-explorer mix goal DIR --name {name} --clusters 3=1",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError("A saved goal must be readable", f"{path}: {error}", "Save it again") from error


def remove_goal(workspace: Workspace, domains: Domains, name: str) -> None:
    """Remove a saved goal; one that does not exist is no error."""
    for taxonomy_hash in same_clusters(workspace, domains.taxonomy_hash):
        _path(workspace, taxonomy_hash, name).unlink(missing_ok=True)


def group_weights(taxonomy: Taxonomy, domains: Domains, number: int, weight: float = 1.0) -> dict[int, float]:
    """Return the weight of each cluster of a group, {cluster number: weight}: by natural shares, sum `weight`.

    Raises
    ------
    InputError
        If there is no such group, or it has no cluster with tokens that is not excluded.
    """
    children = next((group.children for group in taxonomy.groups if group.number == number), ())
    shares = {n: float(p) for n, p in zip(domains.numbers, domains.natural, strict=True) if n in children and p > 0}
    if not shares:
        raise InputError(
            "The groups of a goal must be in the taxonomy and hold clusters that are not excluded",
            f"group {number}",
            f"Choose among {', '.join(str(group.number) for group in taxonomy.groups)}",
        )
    return {n: weight * share / sum(shares.values()) for n, share in shares.items()}


def compose_goal(
    taxonomy: Taxonomy,
    domains: Domains,
    name: str,
    clusters: Mapping[int, float],
    groups: Mapping[int, float],
    natural: float | None = None,
    files: Mapping[str, float] | None = None,
) -> Goal:
    """Return a goal of clusters, groups and files; one without a name is "unnamed".

    `natural` left out: 0, or 1 where nothing else has a weight.

    Raises
    ------
    InputError
        If a group is not in the taxonomy, or as `Goal` does.
    """
    weights = dict(clusters)
    for group, weight in groups.items():
        for number, share in group_weights(taxonomy, domains, group, weight).items():
            weights[number] = weights.get(number, 0.0) + share
    part = natural if natural is not None else 0.0 if weights or files else 1.0
    return Goal(name or "unnamed", weights, part, files or {})


def store_validation_file(workspace: Workspace, name: str, content: bytes) -> Path:
    """Write an uploaded validation file into the workspace and return its path; equal contents are stored once.

    Raises
    ------
    InputError
        If the ending is none of `FILE_ENDINGS`.
    """
    ending = Path(name).suffix.lower()
    if ending not in FILE_ENDINGS:
        raise InputError(
            f"A validation file is one of {', '.join(FILE_ENDINGS)}", repr(name)[:80], "Choose another file"
        )
    stem = re.sub(r"[^\w.-]+", "-", Path(name).stem)[:60] or "file"
    folder = workspace.root / MIXING / _VALIDATION / hashlib.sha256(content).hexdigest()[:16]
    path = folder / f"{stem}{ending}"
    if not path.exists():

        def write(temporary: Path) -> None:
            temporary.write_bytes(content)

        write_whole(path, write)
    return path


def goal_names(workspace: Workspace, domains: Domains) -> tuple[str, ...]:
    """Return the names of the saved goals of a taxonomy, in the order of the alphabet."""
    folders = [
        Mixes(workspace.root, taxonomy_hash).folder / GOALS
        for taxonomy_hash in same_clusters(workspace, domains.taxonomy_hash)
    ]
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.json")}))


def goal_corpus(
    workspace: Workspace,
    domains: Domains,
    goal: Goal,
    split: SplitSettings | None = None,
    *,
    progress: Progress = silent,
) -> ProxyCorpus:
    """Return the token streams of the clusters, and those of the validation files of a goal.

    Raises
    ------
    InputError
        If a cluster or a file has too few tokens.
    """
    split_settings = split or SplitSettings()
    corpus = proxy_corpus(workspace, domains.positions, domains.names, split_settings, progress=progress)
    streams = tuple(_file_stream(workspace, split_settings.vocabulary, Path(file)) for file in goal.files)
    return replace(corpus, streams=replace(corpus.streams, files=streams))


def _file_stream(workspace: Workspace, vocabulary: int, path: Path) -> NDArray[np.uint16]:
    from gem_core.corpus.read import read_corpus

    if path.suffix == ".txt":
        try:
            texts = [path.read_text(encoding="utf-8")]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError("A validation file must be readable text", f"{path}: {error}", "Choose another") from error
    else:
        texts = read_corpus(path, min_words=1, counter="words").documents["text"].tolist()
    parts = [part for ids in encode_texts(workspace, vocabulary, texts) for part in (np.array([END], np.uint16), ids)]
    stream = np.concatenate(parts)
    if len(stream) < _LEAST_TOKENS:
        raise InputError(
            f"A validation file needs {_LEAST_TOKENS} tokens or more", f"{len(stream)} in {path}", "Choose a longer one"
        )
    stream.setflags(write=False)
    return stream


def goal_path(workspace: Workspace, domains: Domains, name: str) -> Path:
    """Return the file of a saved goal, of this taxonomy or of the same clusters under earlier names."""
    hashes = same_clusters(workspace, domains.taxonomy_hash)
    paths = [_path(workspace, taxonomy_hash, name) for taxonomy_hash in hashes]
    return next((path for path in paths if path.exists()), paths[0])


def _path(workspace: Workspace, taxonomy_hash: str, name: str) -> Path:
    return Mixes(workspace.root, taxonomy_hash).folder / GOALS / f"{name}.json"
