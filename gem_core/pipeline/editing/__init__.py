"""Edit a taxonomy: operations, working copy, matching to the previous fit, history."""
