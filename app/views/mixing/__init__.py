"""Mixing view."""
