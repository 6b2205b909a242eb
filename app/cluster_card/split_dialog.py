"""Split dialog: preview the parts of a cluster, then split it."""

import pandas as pd
import streamlit as st

from app.cluster_card import edit_actions
from app.components.reliable_button import reliable_button
from app.data import cached_results
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.text import escape, short
from gem_core._formatting import count, percent
from gem_core.pipeline import Split
from gem_core.workspace import Taxonomy

MOST_PARTS = 8


@st.dialog("Split cluster", width="large", icon=":material/call_split:")
def split_dialog(session: Session, taxonomy: Taxonomy, number: int) -> None:
    """Choose the number of parts, preview them and split."""
    workspace = session.workspace
    with guarded():
        cluster = taxonomy.cluster(number)
        st.markdown(f"**{escape(short(cluster.label, 80))}** :gray[{count(cluster.documents)} documents]")
        most = min(MOST_PARTS, cluster.documents)
        suggested = min(max(len(cached_results.subtopics(workspace, taxonomy, number)), 2), most)
        into = st.slider("Parts", 2, most, suggested, key=f"split_into_{number}") if most > 2 else 2
        parts = cached_results.split_parts(workspace, taxonomy, number, int(into))
        if len(parts) < 2:
            st.caption("Its documents are too similar to split.")
            return
        sizes = [part.share for part in parts]
        st.markdown(f"**{len(parts)} parts, from {percent(min(sizes))} to {percent(max(sizes))} of the cluster**")
        openings = workspace.openings([part.exemplar for part in parts])
        st.dataframe(
            pd.DataFrame(
                {
                    "Part": [part.label for part in parts],
                    "Share": [100 * part.share for part in parts],
                    "Documents": [part.documents for part in parts],
                    "Keywords": [", ".join(part.keywords) for part in parts],
                    "Most typical": openings,
                }
            ),
            hide_index=True,
            key=f"split_parts_{number}",
            row_height=34,
            alt="Parts with their keywords",
            column_config={
                "Part": st.column_config.TextColumn(width=170),
                "Share": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100, width=100),
                "Documents": st.column_config.NumberColumn(format="localized", width=85),
                "Keywords": st.column_config.TextColumn(width=210),
            },
        )
        st.caption("The largest part keeps the number and color; all parts are pinned and get new names.")
        if reliable_button(session, f"Split into {len(parts)}", type="primary", key=f"split_now_{number}"):
            edit_actions.apply_edit(session, Split(number, tuple(part.rows for part in parts)))
            st.rerun()
