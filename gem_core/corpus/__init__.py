"""Corpora: read files as documents, count refused rows by reason, load supplied vectors."""

from gem_core.corpus.columns import Columns
from gem_core.corpus.corpus_preview import CorpusPreview, choose_columns, guess_columns, preview
from gem_core.corpus.docstring_corpus import write_docstrings
from gem_core.corpus.files import ReadOptions
from gem_core.corpus.read import REASONS, Corpus, hash_documents, read_corpus
from gem_core.corpus.read_vectors import check_vectors, load_vectors

__all__ = [
    "REASONS",
    "Columns",
    "Corpus",
    "CorpusPreview",
    "ReadOptions",
    "check_vectors",
    "choose_columns",
    "guess_columns",
    "hash_documents",
    "load_vectors",
    "preview",
    "read_corpus",
    "write_docstrings",
]
