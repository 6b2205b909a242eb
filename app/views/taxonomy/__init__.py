"""Taxonomy view."""
