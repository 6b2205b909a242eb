"""Goal editor of the Mixing view: choose a saved goal, state a new one, and set how far the weights go toward it."""

from typing import Any

import streamlit as st

from app.data import mixing
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.read_only import writing_options
from app.ui.text import escape, short
from app.views.mixing.messages import MixMessages
from app.views.mixing.mix_settings import CORPUS, Mix
from gem_core.errors import GemError
from gem_core.mixing.goals import Goal
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.goal_store import (
    FILE_ENDINGS,
    goal_names,
    group_weights,
    read_goal,
    remove_goal,
    save_goal,
    store_validation_file,
)
from gem_core.pipeline.mixing.strategies import goal_weights
from gem_core.workspace import Taxonomy


def show_goal(session: Session, mix: Mix) -> None:
    """Show the goal, the certified gain, and the slider from natural shares to the optimum."""
    domains, workspace = mixing.domains(session.workspace, session.mixing_taxonomy), session.workspace
    names = (CORPUS, *goal_names(workspace, domains))
    messages = session.drafts.get(MixMessages)
    mix.goal, messages.saved_goal = messages.saved_goal or mix.goal, ""
    if mix.goal not in names:
        mix.goal = CORPUS
    mix.goal = st.selectbox(
        "Goal",
        names,
        index=names.index(mix.goal),
        format_func=lambda name: "Corpus as it is" if name == CORPUS else name,
        key=mix.field_key(f"mixing-goal-{len(names)}"),
        help="The held-out loss to lower: the corpus, clusters, groups, or validation files.",
    )
    if mix.goal != CORPUS:
        st.caption(_describe_goal(domains, read_goal(workspace, domains, mix.goal)))
    mix.part = st.slider(
        "Natural to optimum",
        0.0,
        1.0,
        mix.part,
        0.05,
        key=mix.field_key("mixing-part"),
        help="0 = natural shares, 1 = the optimum.",
    )
    strategy = "mixmin" if mix.strategy == "mixmin" else "goal"
    try:
        optimum = goal_weights(workspace, domains, strategy, mix.goal, limits=mix.limits)  # type: ignore[arg-type]
    except GemError as error:
        refusal("Cannot optimize this goal", str(error))
    else:
        st.caption(f":material/verified: {escape(optimum.certificate)}")
    with st.expander("New goal", key="mixing-goal-new", expanded=mix.goal == CORPUS):
        _show_form(session)
    if mix.goal != CORPUS:
        st.button(
            "Delete goal",
            type="tertiary",
            key="mixing-goal-delete",
            icon=":material/delete:",
            on_click=_delete_goal,
            args=(session, mix),
            **writing_options(),
        )


def _delete_goal(session: Session, mix: Mix) -> None:
    workspace = session.workspace
    remove_goal(workspace, mixing.domains(workspace, session.mixing_taxonomy), mix.goal)
    mix.goal = CORPUS


def _describe_goal(domains: Domains, goal: Goal) -> str:
    """Return the parts of a goal in words, escaped for Markdown."""
    labels = dict(zip(domains.numbers, domains.names, strict=True))
    total = sum(goal.clusters.values()) + sum(goal.files.values())
    parts = [f"{goal.natural:.0%} the corpus"] if goal.natural else []
    weights = [(labels.get(number, f"cluster {number}"), weight) for number, weight in goal.clusters.items()]
    weights += [(name.replace("\\", "/").rpartition("/")[2], weight) for name, weight in goal.files.items()]
    for name, weight in sorted(weights, key=lambda item: -item[1])[:6]:
        parts.append(f"{(1 - goal.natural) * weight / max(total, 1e-300):.0%} {escape(short(name, 40))}")
    return ", ".join(parts) + (f", and {len(weights) - 6} more" if len(weights) > 6 else "")


def _show_form(session: Session) -> None:
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    domains = mixing.domains(workspace, taxonomy)
    labels = {("cluster", n): name for n, name in zip(domains.numbers, domains.names, strict=True)}
    groups = {("group", group.number): f"Group: {group.label}" for group in taxonomy.groups}
    selected = st.multiselect(
        "Groups and clusters",
        [*groups, *labels],
        format_func=lambda part: short({**labels, **groups}[part], 40),
        key="mixing-goal-parts",
        help="Clusters of a group share its weight by their tokens.",
    )
    uploads = st.file_uploader(
        "Validation files",
        type=[ending.removeprefix(".") for ending in FILE_ENDINGS],
        accept_multiple_files=True,
        key="mixing-goal-files",
        help="Texts that the model should do well on. Each file is a held-out stream of its own.",
    )
    weights = _part_weights([({**labels, **groups}[part]) for part in selected], [file.name for file in uploads])
    natural = st.slider(
        "Part of the whole corpus",
        0.0,
        0.95,
        0.5,
        0.05,
        key="mixing-goal-natural",
        help="The rest of the goal is shared by the parts above.",
    )
    name = st.text_input("Name", key="mixing-goal-name", max_chars=60)
    if st.button("Save goal", key="mixing-goal-save", **writing_options(not ((selected or uploads) and name))):
        try:
            goal = _make_goal(session, taxonomy, domains, str(name), selected, uploads, weights, natural)
            save_goal(workspace, domains, goal)
        except GemError as error:
            refusal("Cannot save this goal", str(error))
        else:
            session.drafts.get(MixMessages).saved_goal = goal.name
            st.rerun()


def _part_weights(parts: list[str], files: list[str]) -> list[float]:
    """Show a table of weights if there are several parts; return the weight of each."""
    names = [*parts, *files]
    if len(names) < 2:
        return [1.0] * len(names)
    table: Any = st.data_editor(
        {"Part": [short(name, 60) for name in names], "Weight": [1.0] * len(names)},
        key=f"mixing-goal-weights-{len(names)}-{hash(tuple(names))}",
        hide_index=True,
        disabled=["Part"],
        alt="Weight of each part of the goal",
        column_config={"Weight": st.column_config.NumberColumn(min_value=0.0, step=0.5, width=70)},
    )
    return [float(weight or 0.0) for weight in table["Weight"]]


def _make_goal(
    session: Session,
    taxonomy: Taxonomy,
    domains: Domains,
    name: str,
    selected: list[tuple[str, int]],
    uploads: list[Any],
    weights: list[float],
    natural: float,
) -> Goal:
    clusters: dict[int, float] = {}
    for (kind, number), weight in zip(selected, weights, strict=False):
        added = {number: weight} if kind == "cluster" else group_weights(taxonomy, domains, number, weight)
        for cluster, share in added.items():
            clusters[cluster] = clusters.get(cluster, 0.0) + share
    workspace = session.workspace
    files = {
        str(store_validation_file(workspace, upload.name, upload.getvalue())): weight
        for upload, weight in zip(uploads, weights[len(selected) :], strict=True)
    }
    return Goal(name, clusters, natural, files)
