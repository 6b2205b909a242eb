"""Balance view."""
