"""Corpus view: add documents to the current workspace, or give new documents its clusters as a table."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.data.home_folder import keep_upload
from app.jobs import runner
from app.jobs.panel import duration
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.downloads import retained_download
from app.ui.errors import guarded, refusal
from app.ui.text import escape, short
from app.views.corpus.new_workspace import SUFFIXES
from gem_core._formatting import count
from gem_core._storage import storage_path
from gem_core.errors import GemError, InputError
from gem_core.pipeline import home, source_like
from gem_core.pipeline.adding.assign_documents import check_vectors_from
from gem_core.pipeline.search.semantic import encoder_of
from gem_core.workspace.store import is_read_only

VERBS = {"add": "Add documents", "assign": "Assign only"}
STATEMENT = (
    "New documents are embedded and join the present clusters; names, locks and every step of the history stay. Texts "
    "that the workspace holds are skipped. Adding cannot be undone: undo changes clusters, not documents. **Assign "
    "only** changes nothing and gives a table with cluster, margin and posterior."
)


@dataclass
class AdditionDraft:
    """Why the last press was refused, and the number of the form: a started job empties it."""

    refusal: str = ""
    round: int = 0


def show_add_documents(session: Session) -> None:
    """Show the form for documents that come after the fit."""
    if is_read_only() or not session.workspace.fitted():
        return
    draft = session.drafts.get(AdditionDraft)
    panel = st.expander("Add documents", icon=":material/add:", key="corpus_add", on_change="rerun")
    if not panel.open:
        return
    with panel, guarded():
        st.caption(STATEMENT)
        upload = st.file_uploader("File with one document per row", type=SUFFIXES, key=f"corpus_more_{draft.round}")
        st.text_input(
            "or a file or folder on this machine",
            key=f"corpus_more_path_{draft.round}",
            placeholder="/data/pool/part-0001.parquet",
        )
        if encoder_of(session.workspace) is None:
            st.text_input(
                "Embeddings file, one vector per row",
                key=f"corpus_more_vectors_{draft.round}",
                placeholder="/data/pool/vectors-0001.npy",
                help="The vectors of this workspace were supplied, so those of new documents are too.",
            )
        path = str(keep_upload(upload.name, upload.getbuffer())) if upload is not None else ""
        with st.container(horizontal=True):
            for kind, verb in VERBS.items():
                st.button(
                    verb,
                    key=f"corpus_{kind}_start",
                    type="primary" if kind == "add" else "secondary",
                    on_click=_start,
                    args=(session, kind, path),
                )
        if draft.refusal:
            refusal("Cannot complete this action", draft.refusal)


def _start(session: Session, kind: str, path: str) -> None:
    """Check the files and start the job, for a callback."""
    draft = session.drafts.get(AdditionDraft)
    try:
        typed = path or str(widget(f"corpus_more_path_{draft.round}") or "").strip()
        if not typed:
            raise InputError("Documents come from a file", "none", "Upload one, or enter its path")
        vectors_text = str(widget(f"corpus_more_vectors_{draft.round}") or "").strip()
        documents, vectors = storage_path(typed), storage_path(vectors_text) if vectors_text else None
        source_like(session.workspace, documents)
        check_vectors_from(session.workspace, vectors)
        arguments = [kind, str(session.root), str(documents)]
        if vectors is not None:
            arguments.append(f"--embeddings={vectors}")
        if kind == "assign":
            arguments.append(f"--out={_table_of(session.root, documents)}")
        runner.start(f"{VERBS[kind]}: {documents.name}", arguments, session.root)
    except GemError as error:
        draft.refusal = str(error)
        return
    session.drafts.put(AdditionDraft(round=draft.round + 1))


def _table_of(root: Path, documents: Path) -> Path:
    """Return where the table of assigned documents is written."""
    folder = home() / "assigned" / hashlib.sha256(f"{root} {documents}".encode()).hexdigest()[:12]
    return folder / f"{documents.stem}-clusters.parquet"


def show_finished_addition(job: runner.Job, state: runner.Status) -> None:
    """Show the result of a finished job of this form."""
    result = state.result or {}
    st.markdown(f":material/check_circle: **{escape(short(job.title))}** is ready")
    counts = result.get("added", result)
    documents, poor = int(counts.get("documents", 0)), int(counts.get("fits_badly", 0))
    facts = [f"{count(documents)} documents {'added' if job.kind == 'add' else 'assigned'}"]
    if counts.get("skipped"):
        facts.append(f"{count(counts['skipped'])} skipped as known")
    facts += [f"{count(number)} {reason.replace('_', ' ')}" for reason, number in counts.get("refused", {}).items()]
    facts += [f"{count(poor)} fit badly", f"finished in {duration(state.seconds)}"]
    st.caption(", ".join(facts))
    if counts.get("suggests_refit"):
        st.markdown("More than 5% of the added documents fit badly: consider a refit in Balance.")
    out = Path(str(result.get("out", "")))
    if job.kind == "assign" and out.is_file():
        mime = "application/vnd.apache.parquet"
        st.download_button(
            "Download table",
            retained_download(out.read_bytes, out.name, mime),
            file_name=out.name,
            mime=mime,
            icon=":material/download:",
            key=f"table_{job.folder.name}",
            on_click="ignore",
        )
