"""Small interface pieces without state: text, errors, clusters, figures, progress, downloads."""
