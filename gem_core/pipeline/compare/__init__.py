"""Compare partitions, stability over seeds, and numbers of clusters."""
