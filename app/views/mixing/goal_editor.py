"""Goal editor of the Mixing view: choose a saved goal, state a new one, and set how far the weights go toward it."""

import streamlit as st

from app.data import cached_results, mixing
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.text import escape, short
from app.views.mixing.mix_settings import CORPUS, Mix
from gem_core.errors import GemError
from gem_core.mixing.goals import Goal
from gem_core.pipeline.mixing.goal_store import goal_names, save_goal
from gem_core.pipeline.mixing.strategies import goal_weights


def show_goal(session: Session, mix: Mix) -> None:
    """Show the goal, the certified gain, and the slider from natural shares to the optimum."""
    domains, workspace = mixing.domains(session.root), cached_results.workspace(session.root)
    names = (CORPUS, *goal_names(workspace, domains))
    if mix.goal not in names:
        mix.goal = CORPUS
    mix.goal = st.selectbox(
        "Goal",
        names,
        index=names.index(mix.goal),
        format_func=lambda name: "Corpus as it is" if name == CORPUS else name,
        key=mix.field_key(f"mixing-goal-{len(names)}"),
        help="The held-out loss to lower: the corpus, clusters, or validation files (gem-explorer mix goal --file).",
    )
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
        st.caption(escape(optimum.certificate))
    with st.expander("New goal", key="mixing-goal-new"):
        _show_form(session)


def _show_form(session: Session) -> None:
    domains, workspace = mixing.domains(session.root), cached_results.workspace(session.root)
    labels = dict(zip(domains.numbers, domains.names, strict=True))
    goal_clusters = st.multiselect(
        "Clusters", domains.numbers, format_func=lambda number: short(labels[number], 40), key="mixing-goal-clusters"
    )
    natural = st.slider("Part of the whole corpus", 0.0, 0.95, 0.5, 0.05, key="mixing-goal-natural")
    name = st.text_input("Name", key="mixing-goal-name", max_chars=60)
    if st.button("Save goal", key="mixing-goal-save", disabled=not (goal_clusters and name)):
        try:
            save_goal(workspace, domains, Goal(name, dict.fromkeys(goal_clusters, 1.0), natural))
        except GemError as error:
            refusal("Cannot save this goal", str(error))
        else:
            st.rerun()
