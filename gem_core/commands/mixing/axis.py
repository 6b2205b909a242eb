"""gem-explorer mix axis: a numeric column as the second axis of mixtures."""

import json
from typing import Annotated

import typer

from gem_core.commands._options import Json, WorkspaceArg, clean
from gem_core.errors import InputError


def axis(
    workspace: WorkspaceArg,
    column: Annotated[str, typer.Option(help="numeric column, such as a quality score")] = "",
    buckets: Annotated[int, typer.Option(help="buckets of equal numbers of documents, 2 to 20")] = 5,
    cuts: Annotated[str, typer.Option(metavar="X,Y,...", help="rising values that cut the column, not --buckets")] = "",
    least: Annotated[
        int, typer.Option(metavar="TOKENS", help="smaller buckets of a cluster join their neighbor", min=0)
    ] = 6000,
    off: Annotated[bool, typer.Option("--off", help="return to mixtures of clusters")] = False,
    as_json: Json = False,
) -> None:
    """Cut a numeric column into buckets, so that all mix commands weigh cluster x bucket; alone: show the axis."""
    import numpy as np

    from gem_core.pipeline.mixing.domains import domains_of
    from gem_core.workspace import Workspace
    from gem_core.workspace.second_axis import (
        document_buckets,
        make_axis,
        mixing_taxonomy,
        read_axis,
        remove_axis,
        save_axis,
    )

    if off and (column or cuts):
        raise InputError("--off removes the axis", "--off beside --column or --cuts", "Leave one out")
    if cuts and not column:
        raise InputError("Cuts belong to a column", "--cuts without --column", "Add --column quality, for example")
    opened = Workspace(workspace)
    if off:
        remove_axis(opened)
    elif column:
        save_axis(opened, make_axis(opened, column, buckets, _numbers(cuts), least))
    current = read_axis(opened)
    domains = domains_of(opened, mixing_taxonomy(opened))
    counts = [] if current is None else np.bincount(document_buckets(opened, current)).tolist()
    rows = [
        {"bucket": bucket, "values": current.describe_bucket(bucket), "documents": documents}
        for bucket, documents in enumerate(counts)
        if current is not None and documents
    ]
    if as_json:
        facts = (
            {} if current is None else {"column": current.column, "cuts": list(current.cuts), "least": current.least}
        )
        typer.echo(json.dumps({**facts, "domains": len(domains.numbers), "buckets": rows}, indent=1))
        return
    if current is None:
        typer.echo(f"no second axis: mixtures weigh {len(domains.numbers)} clusters")
        return
    typer.echo(clean(f"{current.column}: {len(domains.numbers)} domains, number = 100 x cluster + bucket"))
    typer.echo(f"{'bucket':>8}{'documents':>11}  values")
    for row in rows:
        typer.echo(f"{row['bucket']:>8}{row['documents']:>11,}  {row['values']}")
    typer.echo(
        clean(
            f"smallest domain: {int(domains.tokens.min()):,} tokens; buckets of a cluster with under "
            f"{current.least:,} join their neighbor. A whole cluster is a group: --groups 12=1"
        )
    )


def _numbers(text: str) -> tuple[float, ...]:
    """Read "0.2,0.5"."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError("--cuts must be numbers", repr(text)[:80], "Use --cuts 0.2,0.5") from None
