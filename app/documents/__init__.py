"""Documents on screen: a list of documents, the reader of one, the pager between them."""
