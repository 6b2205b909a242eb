"""Assign new documents to existing clusters, or add them to the workspace."""
