"""From a corpus file to a fitted taxonomy."""
