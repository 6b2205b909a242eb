"""Vocabulary, words that no name may use, and the number of groups: names without typing."""

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from app.cluster_card import edit_actions
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.read_only import writing_options
from app.ui.text import escape
from gem_core.pipeline import edit, rename_automatically
from gem_core.pipeline.labels.concept_names import keep_vocabulary, workspace_concepts
from gem_core.pipeline.labels.group_again import propose_groups
from gem_core.pipeline.labels.rename_auto import change_stop_words
from gem_core.pipeline.labels.stop_words import read_stop_words
from gem_core.workspace import Taxonomy

SHIPPED, OWN, PRESENT = "GEM Explorer (English)", "Own file", "Present"
SUFFIXES = ["tsv", "csv", "txt", "json"]


def show_automatic_names(session: Session, taxonomy: Taxonomy) -> None:
    """Show the controls of names and groups that follow from the documents."""
    with st.expander("Automatic names and groups", icon=":material/auto_awesome:", key="automatic"), guarded():
        _show_vocabulary(session)
        _show_groups(session, taxonomy)
        _show_stop_words(session)


def _show_vocabulary(session: Session) -> None:
    workspace = session.workspace
    source = workspace_concepts(workspace).source
    has_own = source != "packaged"
    choice = st.selectbox(
        "Vocabulary",
        [f"{PRESENT}: {source}", SHIPPED, OWN] if has_own else [SHIPPED, OWN],
        key="automatic_vocabulary",
        help="Subjects that name clusters and groups. The shipped vocabulary is English. For another language, give a "
        "translated one or your own: name, parent and gloss as TSV, CSV or JSON, or one name on a line.",
    )
    file = st.file_uploader("Vocabulary file", SUFFIXES, key="automatic_file") if choice == OWN else None
    st.caption(
        "Names that a person or a model gave stay. The shipped vocabulary is English: clusters in other languages keep "
        "their keywords. Undo restores the old names."
    )
    if st.button(
        "Name by vocabulary",
        key="automatic_rename",
        icon=":material/label:",
        **writing_options(choice == OWN and file is None),
    ):
        with st.spinner("Naming clusters and groups"), TemporaryDirectory() as folder:
            path = None
            if file is not None:
                path = Path(folder) / f"vocabulary{Path(file.name).suffix.lower()}"
                path.write_bytes(file.getvalue())
            elif choice == SHIPPED and has_own:
                keep_vocabulary(workspace, None)
            names = rename_automatically(workspace, path)
        sentence = workspace.history().steps[-1].sentence if names.renames else "All names are those of the vocabulary"
        edit_actions.report(session, sentence)


def _show_groups(session: Session, taxonomy: Taxonomy) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = st.number_input(
            "Groups",
            1,
            len(taxonomy.clusters),
            len(taxonomy.groups),
            key=f"automatic_groups_{taxonomy.key}",
            help="A group that keeps its clusters keeps its name and color. No group holds more than a quarter of the "
            "corpus, unless you ask for very few.",
        )
        if st.button("Group again", key="automatic_group", icon=":material/account_tree:", **writing_options()):
            workspace = session.workspace
            with st.spinner("Grouping clusters"):
                edit(workspace, propose_groups(workspace, int(count)))
            edit_actions.report(session, workspace.history().steps[-1].sentence)


def _show_stop_words(session: Session) -> None:
    workspace = session.workspace
    words = read_stop_words(workspace)
    with st.form("automatic_words", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        word = st.text_input(
            "Never use this word",
            key="automatic_word",
            placeholder="A word in no keyword and no name",
            help="Keywords, and names made of keywords, are chosen again without it.",
        )
        is_submitted = st.form_submit_button("Add word", **writing_options())
    removed = st.pills("Words never used", words, key="automatic_words_list") if words else None
    if removed is not None:
        st.button(
            f"Allow {escape(removed)} again",
            key="automatic_allow",
            **writing_options(),
            on_click=lambda: _change(session, remove=[removed]),
        )
    if is_submitted and word.strip():
        with st.spinner("Choosing keywords"):
            _change(session, add=[word])
        st.rerun(scope="app")


def _change(session: Session, add: list[str] | None = None, remove: list[str] | None = None) -> None:
    change_stop_words(session.workspace, add=add or [], remove=remove or [])
