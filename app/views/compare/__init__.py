"""Compare view."""
