"""Options that several mixing commands have in common."""

from typing import Annotated

import typer

Steps = Annotated[int | None, typer.Option(help="training steps of a proxy", min=1)]
Width = Annotated[int | None, typer.Option(help="width of a proxy, a multiple of 4", min=4)]
HeldTokens = Annotated[int | None, typer.Option(help="minimum held-out tokens per cluster", min=65)]
Seed = Annotated[int, typer.Option(help="seed of everything random", min=0)]
Device = Annotated[str, typer.Option(help="cpu or cuda")]
Regressor = Annotated[str, typer.Option(help="auto, lightgbm, linear, effective, exponential or ensemble")]
Resamples = Annotated[int, typer.Option(help="refits for intervals of the weights", min=0)]
TargetCluster = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="cluster whose loss is to fall; the whole corpus when left out")
]
TrainerData = Annotated[str, typer.Option(metavar="PATTERN", help="data of a cluster for trainers: data/{name}")]
ShardFormat = Annotated[str, typer.Option(help="parquet or jsonl.zst")]
ShardTokens = Annotated[int, typer.Option(help="approximate tokens per file", min=1)]
