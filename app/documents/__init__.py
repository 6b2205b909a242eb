"""Lists of documents and the document reader."""
