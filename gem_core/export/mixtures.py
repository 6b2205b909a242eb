"""Weight files in the formats of trainers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import yaml

from gem_core.errors import InputError
from gem_core.export.safe_csv import csv_text
from gem_core.export.tables import check_same, weights_table
from gem_core.export.trainer_files import ENDINGS, TRAINERS, trainer_text
from gem_core.mixing import Weights
from gem_core.mixing.weights import folder_names
from gem_core.workspace import Taxonomy
from gem_core.workspace.atomic_files import check_output, write_text

Format = Literal[
    "csv",
    "regmix",
    "doremi",
    "weborganizer",
    "megatron",
    "nemo",
    "olmo-core",
    "nanotron",
    "streaming",
    "litdata",
    "huggingface",
    "levanter",
    "torchtitan",
]
FORMATS: tuple[Format, ...] = get_args(Format)
_PLAIN = re.compile(r"(?:train|valid)_cluster_\d+|cluster_\d+|taxonomy_hash|strategy|train|valid|labels")  # keys


def regmix_yaml(taxonomy: Taxonomy, weights: Weights) -> str:
    """Return weights as RegMix's training configuration has them: a mapping `train`, and one `valid`.

    Clusters are called cluster_0003, all names of one length: RegMix takes every file whose name begins with a
    domain's name, and cluster_1 would take the files of cluster_10. Their labels stand under `labels`.
    """
    names = domain_names(taxonomy, weights)
    return yaml.dump(
        {
            "taxonomy_hash": taxonomy.taxonomy_hash,
            "strategy": weights.strategy,
            "train": dict(zip((f"train_{name}" for name in names.values()), map(float, weights.weights), strict=True)),
            "valid": dict.fromkeys((f"valid_{name}" for name in names.values()), 1.0),
            "labels": {name: taxonomy.cluster(number).label for number, name in names.items()},
        },
        Dumper=_QuotedDumper,
        sort_keys=False,
        width=2**20,
        allow_unicode=True,
    )


class _QuotedDumper(yaml.SafeDumper):
    """YAML with every string value in double quotes, so that no reader takes a label for a number or a date."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if _PLAIN.fullmatch(text) else '"')


_QuotedDumper.add_representer(str, _quoted)


def doremi_json(taxonomy: Taxonomy, weights: Weights) -> str:
    """Return weights as DoReMi's code reads them: train_domain_weights, and eval_domain_weights, the natural shares."""
    names = domain_names(taxonomy, weights)
    return _json(
        {
            "train_domain_weights": dict(zip(names.values(), map(float, weights.weights), strict=True)),
            "eval_domain_weights": dict(zip(names.values(), map(float, weights.natural), strict=True)),
            "labels": {name: taxonomy.cluster(number).label for number, name in names.items()},
            "strategy": weights.strategy,
            "taxonomy_hash": taxonomy.taxonomy_hash,
        }
    )


def weborganizer_json(taxonomy: Taxonomy, weights: Weights) -> str:
    """Return weights as WebOrganizer has distributions over domains: a list with the number and weight of each."""
    check_same(taxonomy, weights)
    clusters = [taxonomy.cluster(number) for number in weights.numbers]
    return _json(
        [
            {
                "domain": c.number,
                "weight": float(weight),
                "tokens": c.tokens,
                "documents": c.documents,
                "label": c.label,
                "strategy": weights.strategy,
                "taxonomy_hash": taxonomy.taxonomy_hash,
            }
            for c, weight in zip(clusters, weights.weights, strict=True)
        ]
    )


def mixture_text(taxonomy: Taxonomy, weights: Weights, form: Format, path: str = "") -> str:
    """Return weights in a format, as `write_weights` writes them; `path` is the pattern of `trainer_text`."""
    for trainer in TRAINERS:
        if form == trainer:
            return trainer_text(domain_names(taxonomy, weights), weights, trainer, path)
    writers: dict[Format, Callable[[], str]] = {
        "csv": lambda: csv_text(weights_table(taxonomy, weights)),
        "regmix": lambda: regmix_yaml(taxonomy, weights),
        "doremi": lambda: doremi_json(taxonomy, weights),
        "weborganizer": lambda: weborganizer_json(taxonomy, weights),
    }
    return writers[form]()


def format_of(path: Path, form: str | None = None) -> Format:
    """Return the format of a file: the one named, or by its ending csv, regmix (.yaml) or doremi (.json).

    Raises
    ------
    InputError
        If the format or the ending is unknown, or they do not go together.

    Examples
    --------
    >>> format_of(Path("weights.yaml")), format_of(Path("weights.json"), "weborganizer")
    ('regmix', 'weborganizer')
    """
    endings: dict[str, tuple[Format, ...]] = {
        ".csv": ("csv",),
        ".yaml": ("regmix",),
        ".yml": ("regmix",),
        ".json": ("doremi", "weborganizer"),
    }
    trainers = tuple(trainer for trainer in TRAINERS if path.suffix.lower() in ENDINGS[trainer])
    fitting = (*endings.get(path.suffix.lower(), ()), *trainers)
    if form is None and fitting and fitting[0] not in TRAINERS:
        return fitting[0]
    for candidate in fitting:
        if candidate == form:
            return candidate
    raise InputError(
        "A file of weights is .csv, .yaml (regmix) or .json (doremi, weborganizer); trainers have formats of their own",
        f"{path.name!r}" + (f" as {form}" if form else ""),
        "Use one of these endings",
    )


def write_weights(
    path: Path, taxonomy: Taxonomy, weights: Weights, form: str | None = None, pattern: str = ""
) -> Format:
    """Write weights, whole or not at all, and return the format.

    Parameters
    ----------
    path : Path
    taxonomy : Taxonomy
        That the weights belong to.
    weights : Weights
    form : "csv", "regmix", "doremi" or "weborganizer", optional
        By the file's ending when left out; or a trainer of `gem_core.export.trainer_files`.
    pattern : str
        Paths of the data for a trainer's file, with {name} in them.

    Raises
    ------
    InputError
        If the format or ending is unknown, or the weights belong to another taxonomy.
    WorkspaceError
        If the file cannot be written.
    """
    chosen_format = format_of(path, form)
    check_output(path)
    write_text(path, mixture_text(taxonomy, weights, chosen_format, pattern))
    return chosen_format


def domain_names(taxonomy: Taxonomy, weights: Weights) -> dict[int, str]:
    """Names of domains that no file system, yaml or json can misread: cluster number -> "cluster_0003"."""
    check_same(taxonomy, weights)
    return folder_names(weights.numbers)


def _json(value: object) -> str:
    return json.dumps(value, indent=1) + "\n"  # ASCII only
