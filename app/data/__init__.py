"""Results shared between sessions: the only users of st.cache_*."""
