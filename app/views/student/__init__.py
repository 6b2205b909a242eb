"""Student view."""
