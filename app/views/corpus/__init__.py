"""Corpus view."""
