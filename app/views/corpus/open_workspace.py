"""Corpus view: facts of the current workspace, and switching to another."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app.state.session import Session, workspaces
from app.ui.errors import guarded
from app.ui.progress import progress_bar
from app.ui.text import escape, short
from gem_core._formatting import count, percent
from gem_core.corpus import REASONS
from gem_core.errors import WorkspaceError
from gem_core.pipeline import home, open_sample
from gem_core.workspace import Workspace

MOST_REFUSED = 1000  # rows of the table of refused rows


def show_current(session: Session) -> None:
    """Show the facts of the open workspace."""
    st.subheader("Current workspace", anchor=False)
    with guarded():
        workspace = session.workspace
        manifest = workspace.manifest
        st.text(short(manifest.name, 100))
        refused = sum(manifest.refused.values())
        kept_share = manifest.documents / max(1, manifest.documents + refused)
        grid = st.grid(4, min_column_width=110)
        cells = [grid.cell() for _ in range(4)]
        cells[0].metric("Documents", count(manifest.documents))
        cells[1].metric("Tokens", count(manifest.tokens), help=f"Counted from: {escape(manifest.tokens_from)}.")
        cells[2].metric("Skipped rows", count(refused), help=f"{percent(kept_share)} of the rows were kept.")
        cells[3].metric("Dimensions", count(manifest.dimension), help="Length of each embedding.")
        with st.container(gap=None, key="corpus-facts"):
            for name, value in _facts(workspace).items():
                with st.container(horizontal=True, gap="small", wrap=False):
                    st.markdown(f":gray[{name}]", width=110)
                    st.text(short(value, 300))
        if refused:
            _refused(workspace)


def _facts(workspace: Workspace) -> dict[str, str]:
    manifest, columns = workspace.manifest, workspace.manifest.columns
    roles = ", ".join(f"{role} from '{columns[role]}'" for role in ("text", "id", "label") if columns.get(role))
    return {
        "Source": manifest.source,
        "Folder": str(workspace.root),
        "Columns": roles,
        "Vectors": manifest.encoder or "none yet",
        "Token counts": manifest.tokens_from,
        **({"Notes": "; ".join(manifest.notes)} if manifest.notes else {}),
    }


def _refused(workspace: Workspace) -> None:
    counts = workspace.manifest.refused
    summary = ", ".join(f"{count(number)} {reason.replace('_', ' ')}" for reason, number in counts.items())
    panel = st.expander(
        f"Skipped rows: {escape(summary)}", icon=":material/filter_alt:", key="corpus_refused", on_change="rerun"
    )
    if not panel.open:
        return
    with panel:
        table = pd.read_parquet(workspace.root / "refused.parquet")
        first_rows = table.head(MOST_REFUSED)
        st.dataframe(
            first_rows.assign(meaning=first_rows["reason"].map(REASONS).fillna("")),
            hide_index=True,
            width="stretch",
            height=min(380, 38 + 35 * len(first_rows)),
            key="corpus_refused_table",
            alt="Skipped rows with the reason for each",
            column_order=["row", "id", "meaning", "detail"],
            column_config={
                "row": st.column_config.NumberColumn("Row", help="Counted from 0 over all files."),
                "id": "Id",
                "meaning": "Reason",
                "detail": "Detail",
            },
        )
        if len(table) > len(first_rows):
            st.caption(
                f"The first {count(len(first_rows))} of {count(len(table))}. The full list is in refused.parquet."
            )


def switch_workspace(session: Session) -> None:
    """Choose another workspace, or type the folder of one."""
    st.subheader("Switch workspace", anchor=False)
    others = [root for root in workspaces() if root != session.root]
    selected_root = st.selectbox(
        "Saved workspaces",
        others,
        index=None,
        format_func=_title,
        key="corpus_other",
        placeholder="Select a workspace" if others else "No other workspaces",
    )
    typed = st.text_input(
        "or enter a workspace folder", key="corpus_folder", placeholder="/data/workspaces/news"
    ).strip()
    with st.container(horizontal=True):
        opened = st.button(
            "Open", icon=":material/folder_open:", disabled=not (selected_root or typed), key="corpus_open_other"
        )
        sample = st.button(
            "Open the sample",
            icon=":material/science:",
            key="corpus_sample",
            disabled=session.root == (home() / "sample").resolve(),
        )
    st.caption("The sample is an English corpus written for this app, free to use (CC0).")
    with guarded():
        folder = Path(typed) if typed else selected_root
        if opened and folder is not None:
            _enter(session, folder)
        if sample:
            with progress_bar("Preparing the sample") as progress:
                root = open_sample(progress=progress).root
            _enter(session, root)


def _title(root: Path) -> str:
    try:
        workspace = Workspace(root)
        fitted = workspace.fitted()
    except WorkspaceError:
        return f"{root.name} (cannot be read)"
    return f"{root.name} ({count(workspace.manifest.documents)} documents{'' if fitted else ', unfinished'})"


def _enter(session: Session, root: Path) -> None:
    workspace = Workspace(root)
    if not workspace.fitted():
        raise WorkspaceError(
            "This workspace is not finished",
            f"{root} has no clusters yet",
            "Resume its job below, or create it again from its source",
        )
    session.open_workspace(workspace.root)
    st.rerun()
