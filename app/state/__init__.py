"""State of a browser session: the only user of st.session_state."""
