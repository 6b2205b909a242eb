"""Background jobs: run, explain failures, show progress."""
