"""gem-explorer compare, stability, clusters: compare groupings, and measure the stability of a fit."""

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gem_core._progress import Console
from gem_core.commands._options import Json, ProgressFile, WorkspaceArg, check_one_of, clean

if TYPE_CHECKING:
    from gem_core.clustering.pair_means import PairMean
    from gem_core.pipeline.compare.cluster_counts import CountStudy
    from gem_core.pipeline.compare.comparison import Comparison
    from gem_core.pipeline.compare.quality import Quality
    from gem_core.pipeline.compare.stability import Repeats, Stability

GROUPING = "present, step:N, kmeans, spherical, vmf (:K for K clusters), or column:NAME"
MethodOption = Annotated[str, typer.Option(help="gem, kmeans, spherical or vmf")]


def compare(
    workspace: WorkspaceArg,
    with_: Annotated[str, typer.Option("--with", metavar="GROUPING", help=GROUPING)] = "kmeans",
    against: Annotated[str, typer.Option(metavar="GROUPING", help="the grouping to compare with")] = "present",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Compare two groupings of the documents: matched clusters, ARI, NMI, documents that move."""
    from gem_core.pipeline.compare.comparison import compare as hold
    from gem_core.pipeline.compare.comparison import headline
    from gem_core.pipeline.compare.quality import quality
    from gem_core.workspace import Workspace

    opened = Workspace(workspace)
    console = Console(progress_file)
    comparison = hold(opened, against, with_, progress=console)
    console("measure", 0, 2)
    qualities = [quality(opened, comparison.a), quality(opened, comparison.b)]
    console("measure", 2, 2)
    console.end()
    ids = opened.documents["id"].astype(str).to_numpy()
    if as_json:
        typer.echo(
            json.dumps(comparison_facts(comparison, qualities, [ids[row] for row in comparison.moved_rows]), indent=1)
        )
        return
    typer.echo(clean(headline(comparison)))
    typer.echo(
        f"  ARI {comparison.ari:.3f}, NMI {comparison.nmi:.3f}, "
        f"{len(comparison.moved_rows):,} documents move ({1 - comparison.stay:.1%})"
    )
    typer.echo(clean(f"  {'':>20}{comparison.a.title[:24]:>26}{comparison.b.title[:24]:>26}"))
    first, second = (asdict(side_quality) for side_quality in qualities)
    for name, value in first.items():
        typer.echo(f"  {name:>20}{_cell_text(value):>26}{_cell_text(second[name]):>26}")
    best, how = comparison.best("a")
    for k in comparison.order_a:
        typer.echo(clean(f"  {how[k]:>6.2f}  {comparison.a.names[k][:50]:50}  {comparison.b.names[best[k]][:50]}"))


def stability(
    workspace: WorkspaceArg,
    seeds: Annotated[int, typer.Option(help="fits of all documents that differ in the seed; 0 for none", min=0)] = 8,
    resamples: Annotated[int, typer.Option(help="fits of documents drawn with replacement; 0 for none", min=0)] = 8,
    method: MethodOption = "gem",
    against: Annotated[
        str | None, typer.Option(metavar="METHOD", help="a second method, studied in the same way")
    ] = None,
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Measure whether the corpus gives the same clusters with other seeds and on resampled documents."""
    from gem_core.pipeline.compare.refits import METHODS
    from gem_core.pipeline.compare.stability import finding, returning
    from gem_core.pipeline.compare.stability import stability as study
    from gem_core.workspace import Workspace

    check_one_of("--method", method, tuple(METHODS))
    if against is not None:
        check_one_of("--against", against, tuple(METHODS))
    opened = Workspace(workspace)
    console = Console(progress_file)
    stability_study = study(opened, method, seeds=seeds, resamples=resamples, progress=console)  # type: ignore[arg-type]
    other = None
    if against is not None and against != method:
        other = study(opened, against, seeds=seeds, resamples=resamples, progress=console)  # type: ignore[arg-type]
    console.end()
    taxonomy = opened.taxonomy()
    comes_back = returning(opened, taxonomy, stability_study)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    **stability_facts(stability_study),
                    "finding": finding(stability_study),
                    **({} if other is None else {"against": {**stability_facts(other), "finding": finding(other)}}),
                    "documents": len(opened),
                    "clusters": [
                        {"cluster_id": c.number, "label": c.label, "jaccard": _number(comes_back[at])}
                        for at, c in enumerate(taxonomy.clusters)
                    ],
                },
                indent=1,
            )
        )
        return
    typer.echo(finding(stability_study))
    if other is not None:
        typer.echo(finding(other))
    for at in comes_back.argsort():
        typer.echo(clean(f"  {comes_back[at]:>6.2f}  {taxonomy.clusters[at].label}"))


def clusters(
    workspace: WorkspaceArg,
    first: Annotated[int, typer.Option("--from", help="fewest clusters", min=1)] = 8,
    last: Annotated[int, typer.Option("--to", help="most clusters", min=2)] = 48,
    points: Annotated[
        int, typer.Option(help="numbers of clusters to try, evenly spaced in their logarithm", min=2)
    ] = 7,
    seeds: Annotated[int, typer.Option(help="fits of each number; three or more show a spread", min=1)] = 3,
    method: MethodOption = "gem",
    as_json: Json = False,
    progress_file: ProgressFile = None,
) -> None:
    """Choose the number of clusters: fit a range of K and report quality and stability measures."""
    from gem_core.pipeline.compare.cluster_counts import CHOOSING, count_grid, reading, study_counts, summary
    from gem_core.pipeline.compare.refits import METHODS
    from gem_core.workspace import Workspace

    check_one_of("--method", method, tuple(METHODS))
    opened = Workspace(workspace)
    console = Console(progress_file)
    count_study = study_counts(opened, count_grid(first, last, points), seeds=seeds, method=method, progress=console)  # type: ignore[arg-type]
    console.end()
    if as_json:
        typer.echo(json.dumps({**counts_facts(count_study), "documents": len(opened)}, indent=1))
        return
    typer.echo(summary(count_study))
    for name in CHOOSING:
        if name in count_study.values:
            typer.echo(f"  {reading(count_study, name).sentence}")
    typer.echo("".join(f"{name:>15}" for name in ("clusters", *count_study.values)))
    for row, k in enumerate(count_study.counts):
        typer.echo(f"{k:>15}" + "".join(f"{table[row].mean():>15.4g}" for table in count_study.values.values()))


def comparison_facts(comparison: "Comparison", qualities: "list[Quality]", moved_ids: list[str]) -> dict[str, Any]:
    """Return the JSON of `compare --json`."""
    from gem_core.pipeline.compare.comparison import headline

    sides = []
    for side, partition in (("a", comparison.a), ("b", comparison.b)):
        best, how = comparison.best(side)
        other = comparison.b if side == "a" else comparison.a
        sides.append(
            {
                "grouping": partition.spec,
                "title": partition.title,
                "groups": [
                    {
                        "group": partition.numbers[k],
                        "label": partition.names[k],
                        "documents": int(partition.sizes[k]),
                        "best": other.numbers[int(best[k])],
                        "best_label": other.names[int(best[k])],
                        "jaccard": round(float(how[k]), 6),
                    }
                    for k in range(len(partition.names))
                ],
            }
        )
    return {
        "finding": headline(comparison),
        "documents": len(comparison.a.labels),
        "ari": comparison.ari,
        "nmi": comparison.nmi,
        "stay": comparison.stay,
        "moved": len(comparison.moved_rows),
        "moved_ids": moved_ids,
        "a": sides[0],
        "b": sides[1],
        "overlap": comparison.table.tolist(),
        "quality": [
            {name: _number(value) for name, value in asdict(side_quality).items()} for side_quality in qualities
        ],
    }


def stability_facts(study: "Stability") -> dict[str, Any]:
    """Both parts of a study of stability, with their intervals."""
    return {
        "method": study.method,
        "complete": study.complete,
        "seeds": _repeats(study.seeds),
        "resamples": _repeats(study.resamples),
    }


def counts_facts(study: "CountStudy") -> dict[str, Any]:
    """Return the JSON of `clusters --json`."""
    from gem_core.pipeline.compare.cluster_counts import CHOOSING, reading, summary

    return {
        "method": study.method,
        "counts": list(study.counts),
        "seeds": list(study.seeds),
        "values": {name: [[_number(v) for v in row] for row in table] for name, table in study.values.items()},
        "summary": summary(study),
        "complete": study.complete,
        "readings": [asdict(reading(study, name)) for name in CHOOSING if name in study.values],
    }


def _repeats(part: "Repeats") -> dict[str, Any]:
    mean: PairMean | None = part.summary()
    return {
        "ids": list(part.ids),
        "pairs": part.pairs.tolist(),
        "mean": None if mean is None else {name: _number(value) for name, value in asdict(mean).items()},
    }


def _number(value: Any) -> Any:
    """Return a number, or None for NaN, which JSON does not have."""
    if value is None or isinstance(value, str | int):
        return value
    return float(value) if math.isfinite(value) else None


def _cell_text(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)
