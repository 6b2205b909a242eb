"""Label folders of shards with a student, and sample seeds from shards."""
