"""Weight files: reading of CSV, RegMix YAML, DoReMi JSON and WebOrganizer JSON."""

import csv
import io
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.pipeline.mixing.domains import Domains

ROUNDING = 1e-6  # by which weights in a file may miss a sum of 1
TOTALS = ("total", "sum", "all", "summe", "gesamt", "somme", "suma", "totale", "totaal")  # what people call a sum
_KEY = re.compile(r"(?:train_)?cluster_(\d+)")


@dataclass(frozen=True)
class WeightsFile:
    """Weights read from a file.

    Attributes
    ----------
    strategy : str
        Empty where the format does not say.
    taxonomy_hash : str
        Of the taxonomy they belong to.
    weights : {cluster number: weight}
        Not negative; sum to 1.
    """

    strategy: str
    taxonomy_hash: str
    weights: Mapping[int, float]


def read_weights(path: Path) -> WeightsFile:
    r"""Read a file that `gem-explorer mix weights` wrote, a CSV also as a spreadsheet saves it again.

    That is with semicolons or tabs, decimal commas, a byte-order mark, in UTF-16 or cp1252, with empty rows below.

    Parameters
    ----------
    path : Path
        .csv, .yaml or .yml (RegMix), .json (DoReMi or WebOrganizer).

    Raises
    ------
    InputError
        If it cannot be read, names no taxonomy, holds a cluster twice or under an unknown name, or weights that are
        negative, no numbers, or do not sum to 1.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "weights.csv"
    >>> _ = path.write_text("cluster_id,weight,taxonomy_hash\n0,0.25,5e1f\n4,0.75,5e1f\n")
    >>> read_weights(path).weights
    {0: 0.25, 4: 0.75}
    """
    try:
        suffix = path.suffix.lower()
        rows, facts = _parse(suffix, _decode(path.read_bytes(), suffix))
        numbered = [(_number(key), float(value)) for key, value in rows]
    except InputError:
        raise
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        csv.Error,
    ) as error:
        raise InputError(
            "Weights must be a csv, regmix, doremi or weborganizer file",
            f"{path}: {_describe_error(error)}",
            "Write it with --format csv: files for trainers do not name the taxonomy",
        ) from error
    weights: dict[int, float] = {}
    for number, weight in numbered:
        if number in weights:
            raise InputError("A cluster must have one weight", f"cluster {number} twice in {path}", "Remove one")
        if not (math.isfinite(weight) and weight >= 0):
            raise InputError(
                "Weights must be numbers from 0", f"{weight:g} for cluster {number} in {path}", "Correct it"
            )
        weights[number] = weight
    total = math.fsum(weights.values())
    if abs(total - 1) > ROUNDING:
        miss = f"{abs(total - 1):.6g} too {'much' if total > 1 else 'little'}"
        raise InputError("Weights must sum to 1", f"{total:.6g} in {path} ({miss})", "Divide them by their sum")
    if not facts.get("taxonomy_hash"):
        raise InputError(
            "Weights must name the taxonomy they belong to",
            f"none in {path}",
            "Keep its taxonomy_hash, or set single weights with --custom",
        )
    return WeightsFile(str(facts.get("strategy", "")), str(facts["taxonomy_hash"]), weights)


def for_domains(file: WeightsFile, domains: Domains, same_hashes: Collection[str] = ()) -> Float64:
    """Return the weights of a file as an array over domains, (K,), sum 1; a cluster that it does not name has 0.

    Parameters
    ----------
    file : WeightsFile
    domains : Domains
    same_hashes : collection of str
        Hashes of taxonomies with the same documents in their clusters, under other names, whose weights count too; see
        `gem_core.workspace.mixing_runs.same_clusters`.

    Raises
    ------
    InputError
        If the weights belong to another taxonomy, or a cluster with a weight is none of the domains.
    """
    if file.taxonomy_hash not in (domains.taxonomy_hash, *same_hashes):
        raise InputError(
            f"Weights must belong to this taxonomy ({domains.taxonomy_hash[:12]})",
            f"weights of taxonomy {file.taxonomy_hash[:12]}",
            "Carry them over: gem-explorer mix weights DIR --from FILE --out NEW",
        )
    domain_index = {number: at for at, number in enumerate(domains.numbers)}
    out = np.zeros(len(domain_index))
    for number, weight in file.weights.items():
        if number in domain_index:
            out[domain_index[number]] = weight
        elif weight:
            raise InputError(
                "Weights must be for clusters that the taxonomy holds and does not exclude",
                f"{weight:.6g} for cluster {number}",
                "Give it to another cluster",
            )
    return np.asarray(frozen(out / out.sum()))


def _parse(suffix: str, text: str) -> tuple[Iterable[tuple[Any, Any]], dict[str, Any]]:
    """Return (key, weight) pairs and what is said beside them."""
    if suffix == ".csv":
        return _csv(text)
    if suffix in (".yaml", ".yml"):
        return _yaml(text)
    value = json.loads(text, object_pairs_hook=_unique_names)
    if isinstance(value, list):
        return [(row["domain"], row["weight"]) for row in value], _common_values(value, "taxonomy_hash", "strategy")
    return value["train_domain_weights"].items(), value


def _decode(data: bytes, suffix: str) -> str:
    """Return the text of a file: UTF-8; a CSV of a spreadsheet may be UTF-16 or, for its labels, cp1252."""
    if suffix == ".csv" and data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if suffix != ".csv":
            raise
        return data.decode("cp1252", "replace")


def _csv(text: str) -> tuple[list[tuple[Any, Any]], dict[str, Any]]:
    """Read a table of weights; the header says by what its cells are separated."""
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    table = [row for row in reader if any(str(cell or "").strip() for cell in row.values())]
    rows = []
    for number, row in enumerate(table, start=1):
        key, weight = str(row["cluster_id"] or "").strip(), str(row["weight"] or "").strip()
        if not key or key.casefold().rstrip(":") in TOTALS:
            raise InputError(
                "Every row of the weights must be one cluster",
                f"row {number} without a cluster_id ({key or weight or 'empty'}), such as a total",
                "Remove that row",
            )
        # A spreadsheet that separates by semicolons writes decimal commas.
        rows.append((key, weight if separator == "," else weight.replace(",", ".")))
    return rows, _common_values(table, "taxonomy_hash", "strategy")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object that names nothing twice."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise InputError("A cluster must have one weight", f"{max(names, key=names.count)[:60]!r} twice", "Remove one")
    return value


def _common_values(rows: list[dict[str, Any]], *names: str) -> dict[str, Any]:
    """Return what every row says alike."""
    facts = {}
    for name in names:
        values = sorted({str(row[name]) for row in rows if row.get(name)})
        if len(values) > 1:
            raise InputError(
                f"All weights of a file must have one {name}",
                f"{values[0][:12]} and {values[1][:12]}",
                "Write the weights again",
            )
        facts[name] = values[0] if values else ""
    return facts


def _yaml(text: str) -> tuple[list[tuple[Any, Any]], dict[str, Any]]:
    """Read a RegMix configuration: the mapping `train`, and the facts beside it."""
    try:
        value = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(value, dict) or not isinstance(value.get("train"), dict):
        raise ValueError("no mapping called train")
    return list(value["train"].items()), value


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML loader that refuses a key that occurs twice in a mapping."""


def _construct_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    pairs = [(loader.construct_object(key), loader.construct_object(value, deep=True)) for key, value in node.value]
    return _unique_names(pairs)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


def _number(key: Any) -> int:
    if isinstance(key, int) or (str(key).isascii() and str(key).isdigit()):
        return int(key)
    match = _KEY.fullmatch(str(key))
    if match is None:
        raise InputError(
            "Weights must be for clusters by their number",
            f"{str(key)[:60]!r}",
            "Use a cluster_id, or a name such as cluster_0003",
        )
    return int(match[1])


def _describe_error(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
