"""Export view."""
