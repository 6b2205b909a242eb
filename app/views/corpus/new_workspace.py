"""Corpus view: create a workspace from a file: choose it, assign columns, see the estimate, start."""

import re
from pathlib import Path

import streamlit as st

from app.components.reliable_button import reliable_button
from app.data.home_folder import keep_upload, new_workspace, suggested_name
from app.jobs import runner
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from app.views.corpus.draft import WorkspaceDraft
from app.views.corpus.estimate import show_estimate
from app.views.corpus.reading_options import (
    READING,
    ReadingChoice,
    choose_encoder_options,
    choose_reading,
    point_to_controls,
)
from gem_core._formatting import count, strength_text
from gem_core._storage import is_remote, storage_path
from gem_core.corpus import Columns, CorpusPreview, preview
from gem_core.errors import CorpusError, InputError

SUFFIXES = [
    *("csv", "tsv", "jsonl", "ndjson", "json", "parquet", "pq", "arrow", "feather", "warc", "wet"),
    *("gz", "zst", "zstd", "bz2", "xz"),
]
UPLOAD, PATH, HUB = "Upload a file", "Path or address", "Hugging Face dataset"
HUB_FOLDER = "hf://datasets/"
COMPUTE, OWN = "Compute embeddings", "Use my embeddings"
STRENGTHS = [0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, float("inf")]
SHOWN_COLUMNS, SHOWN_LETTERS, SHOWN_ROWS = 40, 160, 50
ROLES = {
    "text": "Text to embed and cluster.",
    "id": "Unique ID of each document. A suggested column that is not unique gives way to file and row number.",
    "label": "Known labels to compare with; not used for clustering.",
    "tokens": "Token counts; default: counted with the encoder's tokenizer.",
}


def create_workspace(session: Session) -> None:
    """Show the form, from top to bottom."""
    draft = session.drafts.get(WorkspaceDraft)
    st.subheader("New workspace from your data", anchor=False)
    with guarded():
        _choose(draft)
        if draft.path is None:
            st.caption(
                "CSV, TSV, JSON or JSON Lines (also compressed), Parquet or Arrow, one document per row. Uploads up to "
                "500 MB; use a path for larger files and folders, an address for a store (s3://, gs://, https://). "
                "The workspace stays on this machine."
            )
            return
        reading = choose_reading()
        look = _look(draft, reading)
        _table(draft, look)
        columns = _columns(look)
        vectors = _vectors()
        if vectors is None:
            st.caption("Add the embeddings file to continue.")
            return
        source = [str(draft.path), *_column_options(columns, look), *reading.arguments, *vectors]
        show_estimate(draft, ["estimate", *source], vectors[0].startswith("--embeddings"))
        _start(session, draft, look, ["fit", *source])


def _choose(draft: WorkspaceDraft) -> None:
    source_kind = st.segmented_control(
        "Source", [UPLOAD, PATH, HUB], default=UPLOAD, required=True, key="corpus_way", label_visibility="collapsed"
    )
    if source_kind == UPLOAD:
        upload = st.file_uploader("File with one document per row", type=SUFFIXES, key=f"corpus_upload_{draft.round}")
        if upload is not None and upload.file_id != draft.upload:
            draft.upload = upload.file_id
            _take(draft, keep_upload(upload.name, upload.getbuffer()))
        return
    if source_kind == PATH:
        typed = st.text_input(
            "File or folder",
            key="corpus_path",
            placeholder="/data/pool/part-0000.parquet or s3://bucket/pool",
            help="On the machine that runs GEM Explorer, or an address: s3://, gs://, hf://datasets/, https://.",
        ).strip()
    else:
        typed = dataset_address(
            st.text_input(
                "Dataset",
                key="corpus_dataset",
                placeholder="owner/name",
                help="Of the Hugging Face Hub, or a folder or file in it: owner/name/data. Choose a split under "
                f"{READING}.",
            )
        )
    if typed:
        path = storage_path(typed).absolute()
        if path != draft.path:
            _take(draft, path)


def dataset_address(name: str) -> str:
    """Return the address of a dataset of the Hugging Face Hub; an empty name stays empty.

    Raises
    ------
    InputError
        If it is no owner/name.

    Examples
    --------
    >>> dataset_address(" owner/name "), dataset_address("https://huggingface.co/datasets/owner/name/")
    ('hf://datasets/owner/name', 'hf://datasets/owner/name')
    """
    name = name.strip().removeprefix("https://huggingface.co/datasets/").removeprefix(HUB_FOLDER).strip("/")
    if name and not re.fullmatch(r"[\w.-]+(/[^/\s]+)+", name):
        raise InputError("A dataset of the Hub is named owner/name", repr(name), "For example HuggingFaceFW/fineweb")
    return HUB_FOLDER + name if name else ""


def _take(draft: WorkspaceDraft, path: Path) -> None:
    draft.path, draft.look, draft.name = path, None, suggested_name(path)
    draft.measured.clear()


def _look(draft: WorkspaceDraft, reading: ReadingChoice) -> CorpusPreview:
    """Return the first rows; they are read again only when the file or the options of reading have changed."""
    assert draft.path is not None
    try:
        now = None if is_remote(draft.path) else draft.path.stat()  # A look into a store takes a while: only one.
    except OSError as error:
        missing, draft.path = draft.path, None
        raise InputError(
            "The corpus must be a file or a folder on this machine",
            f"{missing}: {error.strerror or error}",
            "Check the path",
        ) from error
    stamp = (now.st_mtime_ns if now else 0, now.st_size if now else 0, reading.options)
    if draft.look is None or draft.stamp != stamp:
        try:
            draft.look, draft.stamp = preview(draft.path, SHOWN_ROWS, reading.options), stamp
        except CorpusError as error:
            draft.look = None
            point_to_controls(str(error))
            raise
    return draft.look


def _table(draft: WorkspaceDraft, look: CorpusPreview) -> None:
    assert draft.path is not None
    files = f"{count(look.files)} files, " if look.files > 1 else ""
    wide = (
        f", the first {SHOWN_COLUMNS} of {count(len(look.columns))} columns"
        if len(look.columns) > SHOWN_COLUMNS
        else ""
    )
    st.caption(f"First rows of {escape(short(draft.path.name, 80))}: {files}{_size(look.size)}{wide}")
    table = look.table.iloc[:, :SHOWN_COLUMNS]
    st.dataframe(
        table.map(_cell),
        hide_index=True,
        width="stretch",
        height=min(245, 38 + 35 * len(table)),
        key="corpus_first_rows",
        alt="First rows of the file",
    )
    if look.header_doubt:
        st.warning(
            f"The file has {escape(look.header_doubt)}. If it is one, select **First row is data** under {READING}.",
            icon=":material/warning:",
        )


def _cell(cell: object) -> object:
    if isinstance(cell, float | int) or cell is None:
        return cell
    return short(" ".join(str(cell)[: 4 * SHOWN_LETTERS].split()), SHOWN_LETTERS)


def _columns(look: CorpusPreview) -> Columns:
    guesses = look.guesses.as_dict()
    column_names: dict[str, str | None] = {}
    for slot, (role, hint) in zip(st.columns(4), ROLES.items(), strict=True):
        options = list(look.columns) if role == "text" else ["", *look.columns]  # no column has an empty name
        guess = guesses[role] or ""
        column_names[role] = (
            slot.selectbox(
                f"{role.capitalize()} column",
                options,
                index=options.index(guess),
                help=hint,
                format_func=lambda name: short(name, 50) or "none",
                key=f"corpus_column_{role}",
            )
            or None
        )
    return Columns(column_names["text"] or "", column_names["id"], column_names["label"], column_names["tokens"])


def _column_options(columns: Columns, look: CorpusPreview) -> list[str]:
    """Return the columns as options; an unchanged guess of the id stays a guess, so that repeats refuse no row."""
    column_names = columns.as_dict()
    guessed_id = columns.id is not None and columns.id == look.guesses.id
    return [f"--{role}-column={column_names[role] or ''}" for role in ROLES if not (role == "id" and guessed_id)]


def _vectors() -> list[str] | None:
    """Return the options that say where the vectors come from, or None while that is open."""
    left, right = st.columns([2, 4])
    vectors_kind = left.segmented_control(
        "Embeddings",
        [COMPUTE, OWN],
        default=COMPUTE,
        required=True,
        key="corpus_vectors",
        help="Clustering uses one embedding vector per document.",
    )
    if vectors_kind == COMPUTE:
        encoder = right.selectbox(
            "Encoder",
            ["packaged"],
            format_func=_encoder_name,
            accept_new_options=True,
            key="corpus_encoder",
            help="Built in: all-MiniLM-L6-v2. Or enter the folder or hub name "
            "of a sentence-transformers model; a hub name needs network access.",
        )
        return [f"--encoder={str(encoder or 'packaged').strip()}", *choose_encoder_options()]
    typed = right.text_input(
        "Embeddings file, one vector per row",
        placeholder="/data/pool/vectors.npy",
        key="corpus_own",
        help=".npy, or Parquet with a list column; rows in the order of the source.",
    )
    upload = right.file_uploader("or upload it", type=["npy", "parquet"], key="corpus_own_upload")
    if upload is not None:
        return [f"--embeddings={keep_upload(upload.name, upload.getbuffer())}"]
    return [f"--embeddings={storage_path(typed.strip()).absolute()}"] if typed.strip() else None


def _encoder_name(encoder: str) -> str:
    return "all-MiniLM-L6-v2 (built in)" if encoder == "packaged" else encoder


def _start(session: Session, draft: WorkspaceDraft, look: CorpusPreview, source: list[str]) -> None:
    few = len(look.table) if len(look.table) < SHOWN_ROWS and look.files == 1 else None
    cells = st.columns([2, 3, 3])
    clusters = int(
        cells[0].number_input(
            "Clusters",
            1,
            1000,
            24 if few is None else max(1, min(24, few // 3)),
            key=f"corpus_clusters_{few}",
            help="Initial number; change it later in Balance.",
        )
    )
    strength = cells[1].select_slider(
        "Balance strength", STRENGTHS, 1.0, format_func=strength_text, key="corpus_strength", help=HINTS["strength"]
    )
    name = cells[2].text_input(
        "Name",
        draft.name,
        max_chars=60,
        key=f"corpus_name_{draft.name}",
        help="Name of the workspace and of its folder.",
    )
    problem = _find_problem(draft, ("estimate", *source[1:]), clusters, name)
    start = reliable_button(
        session,
        "Create workspace",
        type="primary",
        icon=":material/play_arrow:",
        key="corpus_start",
        disabled=problem is not None,
    )
    if problem is not None:
        st.caption(f":material/info: {escape(short(problem, 300))}")
    elif start:
        root = new_workspace(name)
        runner.start(
            name.strip(),
            [
                *source,
                f"--workspace={root}",
                f"--clusters={clusters}",
                f"--strength={strength}",
                f"--name={name.strip()}",
            ],
            root,
        )
        if draft.estimate is not None:
            runner.cancel(draft.estimate)
        session.drafts.put(WorkspaceDraft(round=draft.round + 1))  # with an empty upload
        st.rerun()


def _find_problem(draft: WorkspaceDraft, request: tuple[str, ...], clusters: int, name: str) -> str | None:
    """Return why the workspace cannot be created, or None; what is still being measured is no reason."""
    try:
        new_workspace(name)
    except InputError as error:
        return str(error)
    measured = draft.measured.get(request)
    if measured is None:
        return None
    if measured.result is None:
        return "The corpus cannot be read this way: see above."
    documents = int(measured.result["documents"])
    if clusters > documents:
        return f"{count(clusters)} clusters need at least as many documents; the corpus has {count(documents)}."
    return None


def _size(size: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return ""
