"""Cluster card and what it opens: notes, documents, edits, the split dialog. Explore and Taxonomy show it."""
