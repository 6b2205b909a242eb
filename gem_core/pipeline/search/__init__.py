"""Find documents: filters, search by meaning, near-duplicates."""
