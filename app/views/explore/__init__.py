"""Explore view."""
