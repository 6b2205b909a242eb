"""Mixing weights in the formats that trainers read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from gem_core.errors import InputError
from gem_core.export.safe_csv import csv_text
from gem_core.export.tables import check_same, weights_table
from gem_core.mixing import Weights
from gem_core.workspace import Taxonomy
from gem_core.workspace.atomic_files import write_text

Format = Literal["csv", "regmix", "doremi", "weborganizer"]
FORMATS: tuple[Format, ...] = get_args(Format)


def regmix_yaml(taxonomy: Taxonomy, weights: Weights) -> str:
    """Return weights as RegMix's training configuration has them: a mapping `train`, and one `valid`.

    Clusters are called cluster_0003, all names of one length: RegMix takes every file whose name begins with a
    domain's name, and cluster_1 would take the files of cluster_10. Their labels stand under `labels`.
    """
    names = domain_names(taxonomy, weights)
    lines = [f"taxonomy_hash: {_quoted(taxonomy.taxonomy_hash)}", f"strategy: {_quoted(weights.strategy)}", "train:"]
    lines += [
        f"  train_{name}: {_number(weight)}" for name, weight in zip(names.values(), weights.weights, strict=True)
    ]
    lines += ["valid:", *(f"  valid_{name}: 1.0" for name in names.values()), "labels:"]
    lines += [f"  {name}: {_quoted(taxonomy.cluster(number).label)}" for number, name in names.items()]
    return "\n".join(lines) + "\n"


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


def mixture_text(taxonomy: Taxonomy, weights: Weights, form: Format) -> str:
    """Return weights in a format, as `write_weights` writes them."""
    made: dict[Format, Callable[[], str]] = {
        "csv": lambda: csv_text(weights_table(taxonomy, weights)),
        "regmix": lambda: regmix_yaml(taxonomy, weights),
        "doremi": lambda: doremi_json(taxonomy, weights),
        "weborganizer": lambda: weborganizer_json(taxonomy, weights),
    }
    return made[form]()


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
    fitting = endings.get(path.suffix.lower(), ())
    if form is None and fitting:
        return fitting[0]
    for known in fitting:
        if known == form:
            return known
    raise InputError(
        "A file of weights is .csv, .yaml (regmix) or .json (doremi, weborganizer)",
        f"{path.name!r}" + (f" as {form}" if form else ""),
        "Use one of these endings",
    )


def write_weights(path: Path, taxonomy: Taxonomy, weights: Weights, form: str | None = None) -> Format:
    """Write weights, whole or not at all, and return the format.

    Parameters
    ----------
    path : Path
    taxonomy : Taxonomy
        That the weights belong to.
    weights : Weights
    form : "csv", "regmix", "doremi" or "weborganizer", optional
        By the file's ending when left out.

    Raises
    ------
    InputError
        If the format or ending is unknown, or the weights belong to another taxonomy.
    WorkspaceError
        If the file cannot be written.
    """
    found = format_of(path, form)
    write_text(path, mixture_text(taxonomy, weights, found))
    return found


def domain_names(taxonomy: Taxonomy, weights: Weights) -> dict[int, str]:
    """Names of domains that no file system, yaml or json can misread: cluster number -> "cluster_0003"."""
    check_same(taxonomy, weights)
    width = max(4, len(str(max(weights.numbers))))
    return {number: f"cluster_{number:0{width}}" for number in weights.numbers}


def _json(value: object) -> str:
    return json.dumps(value, indent=1) + "\n"  # ASCII only


def _quoted(text: str) -> str:
    """A yaml string in double quotes, on one line; what does not print is escaped as yaml does it."""
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text) + '"'


def _number(value: float) -> str:
    """All digits of a fraction, with the point that yaml 1.1 needs to see a number: 1.0e-05."""
    text = repr(float(value))
    return text if "." in text else text.replace("e", ".0e")
