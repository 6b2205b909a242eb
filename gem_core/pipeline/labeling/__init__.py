"""Web scale: distil a student from a taxonomy, label folders of shards with it, sample seeds from shards."""
