"""Documents that come after the fit: assign them to its clusters, or add them to the workspace."""
