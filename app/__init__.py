"""The Streamlit app: views on top of `gem_core`."""
