"""The eight screens, a folder each; `page.py` is the entry."""
