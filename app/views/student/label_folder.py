"""Student view: label a folder of shards, with progress and totals per cluster."""

import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app.charts import balance
from app.charts.balance import ShareRow
from app.charts.chart import show_chart
from app.charts.student import color_lookup
from app.components.poll import pulse
from app.components.reliable_button import reliable_button
from app.data import students
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
from app.ui.clusters import circle, dot_column
from app.ui.downloads import retained_download
from app.ui.errors import guarded, refusal
from app.ui.figures import finding, heading
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from app.views.student.train import standing
from gem_core._formatting import count, percent
from gem_core._storage import is_inside, storage_path
from gem_core.errors import InputError
from gem_core.export import csv_text
from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.labeling.shard_files import InputShard, check_shard_columns
from gem_core.pipeline.labeling.shard_rows import REASONS
from gem_core.pipeline.labeling.totals import read_totals
from gem_core.pipeline.student.registry import SavedStudent
from gem_core.workspace import Taxonomy

EVERY = 2.0  # seconds between two looks at totals that grow
OURS = ("gem_cluster", "gem_label", "gem_margin", "gem_tokens")
LOOKED = 50  # shards whose columns are looked at before the start; the command looks at all


def label(session: Session, student: SavedStudent) -> None:
    """Show the form, the job and its totals."""
    standing(session, student)
    job = runner.find(session.root, "label")
    live = job is not None and not runner.status(job).ended
    with st.container(border=True, gap="small", key="student-label"):
        out = _form(session, student, live)
    job_panel(session, job, quiet=True, key_prefix="student_label")
    folder = storage_path(job.arguments[3]) if job is not None and len(job.arguments) > 3 else out
    if folder is not None:
        st.fragment(_totals)(session, student, folder, live)


def _form(session: Session, student: SavedStudent, live: bool) -> Path | None:
    """Say where from and where to; returns the folder that is written to."""
    left, right = st.columns(2, gap="medium")
    source = _path(
        left.text_input(
            "Folder of shards",
            key="student-in",
            placeholder="/data/pool",
            max_chars=4096,
            persist_state="session",
            help="Parquet, JSON Lines, CSV or TSV (also compressed), including subfolders.",
        )
    )
    out = _path(
        right.text_input(
            "Output folder for the labeled shards",
            key="student-out",
            max_chars=4096,
            placeholder="/data/pool-labeled",
            persist_state="session",
            help="The same shards with four more columns: " + ", ".join(OURS).replace("_", "\\_") + ".",
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="student-label-how"):
        text = str(
            st.text_input(
                "Text column", "text", key="student-text-column", max_chars=200, width=180, persist_state="session"
            )
            or "text"
        )
        workers = st.number_input(
            "Processes",
            1,
            1024,
            None,
            key="student-workers",
            width=150,
            placeholder="all",
            persist_state="session",
            help="Shards processed in parallel; empty uses all processors.",
        )
        arguments = command(student, source, out, text, workers)
        start = reliable_button(
            session,
            "Label folder",
            type="primary",
            icon=":material/play_arrow:",
            key="student-label-start",
            disabled=source is None or out is None or live,
        )
    _begin(session, source, out, text, arguments, start)
    st.code("gem-explorer " + shlex.join(arguments), language=None, wrap_lines=True)
    st.caption("Runs in the background and can be resumed. On the command line, --engine ray uses many machines.")
    return out


def command(student: SavedStudent, source: Path | None, out: Path | None, text: str, workers: int | None) -> list[str]:
    """Return the arguments that label a folder; a second run resumes the first."""
    return [
        "label",
        str(student.folder),
        str(source or "IN_FOLDER"),
        str(out or "OUT_FOLDER"),
        "--text-column",
        text,
        *(["--workers", str(workers)] if workers else []),
        "--resume",
    ]


def _path(typed: str | None) -> Path | None:
    try:
        return storage_path(typed.strip()).absolute() if typed and typed.strip() else None
    except InputError as error:
        refusal("Cannot use this path", str(error))
        return None


def _begin(
    session: Session, source: Path | None, out: Path | None, text: str, arguments: list[str], start: bool
) -> None:
    """Look at the shards before anything starts, then start."""
    if source is None:
        return
    try:
        shards = students.shards(source)
        if start:
            check_shard_columns(shards[:LOOKED], text, reserved=OURS)
            if out is not None and is_inside(out, source):
                raise InputError(
                    "The output must be a folder outside the input", f"{out} inside {source}", "Choose another folder"
                )
            runner.start(f"Label {source.name}", arguments, session.root)
            st.rerun(scope="app")
    except InputError as error:
        refusal("Cannot label this folder", str(error))
    except OSError as error:
        refusal("Cannot read this folder", f"{source}: {error.strerror or error}")
    else:
        st.caption(f":material/folder: {_describe_shards(shards)}")


def _describe_shards(shards: tuple[InputShard, ...]) -> str:
    size = sum(shard.source.size for shard in shards)
    unit, sign = next(
        (u, s) for u, s in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "bytes")) if size >= u or u == 1
    )
    many = f"{count(len(shards))} shards" if len(shards) != 1 else "1 shard"
    return f"{many}, {size / unit:,.1f} {sign}"


def _totals(session: Session, student: SavedStudent, folder: Path, live: bool) -> None:
    """Documents and tokens of each cluster so far."""
    with guarded():
        try:
            totals = read_totals(folder)
        except InputError:  # nothing there yet, or another folder that holds no labels
            totals = None
        if totals is not None:
            _show_totals(session, student, folder, totals)
    if live:
        pulse(EVERY, "student-totals")


def _show_totals(session: Session, student: SavedStudent, folder: Path, totals: dict[str, Any]) -> None:
    if not totals["documents"]:
        st.caption("Reading the first documents. Totals follow.")
        return
    rows = totals_table(totals)
    so_far = "" if totals["complete"] else " so far"
    heading(f"{count(totals['documents'])} documents, about {count(totals['tokens'])} tokens{so_far}")
    st.caption(f"{count(totals['shards_labelled'])} of {count(totals['shards'])} shards labeled.")
    row_numbers = escape(str(bookkeeping(folder) / "refused"))
    for reason, number in totals["refused"].items():
        st.caption(
            f":orange[:material/warning: Skipped rows: {count(number)}, "
            f"{escape(REASONS.get(reason, reason))}. Listed in {row_numbers}.]"
        )
    for name, why in list(totals["failed"].items())[:5]:
        refusal("Cannot read a shard", f"{short(name, 200)}: {short(why, 400)}")
    present = session.taxonomy
    taxonomy = students.taxonomy_of_step(session.workspace, present, student.report.taxonomy_key) or present
    everything = max(sum(c.tokens for c in taxonomy.clusters), 1)
    own = {c.number: c.tokens / everything for c in taxonomy.clusters}  # the student labels excluded ones too
    grid = st.grid(2, min_column_width=440, gap="medium", key="student-totals-figures")
    with grid.cell():
        _numbers(taxonomy, rows, own)
    with grid.cell():
        _shares(taxonomy, rows, own)
    make = retained_download(lambda: totals_csv(totals), "totals.csv", "text/csv")
    st.download_button(
        "Download totals",
        make,
        "totals.csv",
        "text/csv",
        key="student-totals-csv",
        on_click="ignore",
        icon=":material/download:",
        help="Documents and tokens of each cluster, as CSV.",
    )
    st.code(str(folder), language=None, wrap_lines=True)
    if totals["complete"]:
        st.caption("Give this folder as **Pool size** on Mixing to weight the whole pool.")


def totals_table(totals: dict[str, Any]) -> pd.DataFrame:
    """One row per cluster, in the order of the numbers."""
    return pd.DataFrame(totals["clusters"])


def totals_csv(totals: dict[str, Any]) -> bytes:
    """Return the totals as CSV that a spreadsheet cannot run."""
    return csv_text(totals_table(totals)).encode()


def _numbers(taxonomy: Taxonomy, rows: pd.DataFrame, own: dict[int, float]) -> None:
    shade = color_lookup(taxonomy)
    ranked = rows.sort_values("tokens", ascending=False, kind="stable")
    top = ranked.iloc[0]
    finding(
        f"Largest by tokens: {escape(short(str(top['label']), 50))}, {percent(float(top['share_tokens']))}",
        "Token counts are estimates.",
    )
    share = 100 * ranked["share_tokens"].to_numpy()
    st.dataframe(
        pd.DataFrame(
            {
                " ": [circle(shade(int(n))) for n in ranked["cluster_id"]],
                "Cluster": ranked["label"].to_numpy(),
                "Documents": ranked["documents"].to_numpy(),
                "Tokens": ranked["tokens"].to_numpy(),
                "Share": share,
                "Share in corpus": [
                    None if (part := own.get(int(n))) is None else 100 * part for n in ranked["cluster_id"]
                ],
            }
        ),
        key="student-totals",
        hide_index=True,
        row_height=30,
        height=min(len(ranked), 18) * 30 + 38,
        alt="Documents and tokens of each cluster in the labeled shards",
        column_config={
            " ": dot_column(),
            "Cluster": st.column_config.TextColumn(width=190),
            "Documents": st.column_config.NumberColumn(format="localized", width=92),
            "Tokens": st.column_config.NumberColumn(format="localized", width=112, help=HINTS["token"]),
            "Share": st.column_config.ProgressColumn(
                format="%.1f%%", min_value=0, max_value=float(share.max()) or 1.0, width=110, help="Of the tokens."
            ),
            "Share in corpus": st.column_config.NumberColumn(format="%.1f%%", width=100, help=HINTS["share_tokens"]),
        },
    )


def _shares(taxonomy: Taxonomy, rows: pd.DataFrame, own: dict[int, float]) -> None:
    """Paired bars: where this folder differs from the corpus that the student learned from."""
    shade = color_lookup(taxonomy)
    lines = [
        ShareRow(
            str(row.label),
            shade(int(row.cluster_id)),
            own.get(int(row.cluster_id)),
            float(row.share_tokens),
            None,
            int(row.cluster_id),
        )
        for row in rows.itertuples()
    ]
    lines.sort(key=lambda line: -(line.before or 0.0))
    most = max(lines, key=lambda line: abs((line.after or 0.0) - (line.before or 0.0)))
    finding(
        f"Largest difference: {escape(short(most.name, 50))}, "
        f"{percent(most.before or 0.0)} → {percent(most.after or 0.0)}",
        "Share of tokens. Light: training corpus. Solid: this folder.",
    )
    show_chart(
        balance.shares(lines, changed=True, names=("Corpus", "Folder")),
        key="student-totals-chart",
        alt="Share of each cluster in the corpus and in the folder; the table beside it holds the numbers",
    )
