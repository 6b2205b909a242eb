"""Plotly figures, one module per view."""
