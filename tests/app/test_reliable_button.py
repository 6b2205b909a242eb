"""A press is not lost when the run that it started ends before the button is reached."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from app.components.reliable_button import reliable_button
    from app.state.drafts import Drafts

    drafts = st.session_state.setdefault("drafts", Drafts())

    class Owner:
        pass

    owner = Owner()
    owner.drafts = drafts  # type: ignore[attr-defined]
    counts = st.session_state.setdefault("counts", {"plain": 0, "reliable": 0})
    if st.session_state.pop("interrupt", False):
        st.rerun()  # as another fragment does, before the buttons are reached
    counts["plain"] += st.button("Plain", key="plain")
    counts["reliable"] += reliable_button(owner, "Reliable", key="reliable")  # type: ignore[arg-type]


def test_a_press_acts_once_also_when_its_run_is_interrupted() -> None:
    app = AppTest.from_function(page).run()
    for interrupted, count in ((False, 1), (True, 2), (True, 3)):
        app.session_state["interrupt"] = interrupted
        app.button(key="reliable").click().run()
        assert app.session_state["counts"]["reliable"] == count
        app.run()
        assert app.session_state["counts"]["reliable"] == count
    app.session_state["interrupt"] = True
    app.button(key="plain").click().run()
    assert app.session_state["counts"]["plain"] == 0  # what the reliable button is for
