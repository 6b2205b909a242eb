"""Options for token budgets and pool sizes."""

from typing import Annotated

import typer

Budget = Annotated[str | None, typer.Option(metavar="TOKENS", help="tokens to train on: 10e9, 10B, 300M")]
MaxEpochs = Annotated[float | None, typer.Option(metavar="E", help="max epochs per cluster")]
Pool = Annotated[
    str | None,
    typer.Option(
        metavar="TOKENS|xFACTOR|FOLDER",
        help="size of the pool that this workspace is a sample of: tokens (5e12), a factor (x1000), or a labeled "
        "folder; this sample when left out",
    ),
]
