"""Corpora: read files as documents, refuse rows by reason, embed with a resumable cache, take own vectors."""

from gem_core.corpus.batches import encode
from gem_core.corpus.columns import Columns, Preview, choose_columns, guess_columns, preview
from gem_core.corpus.docstrings import write_docstrings
from gem_core.corpus.embed import Estimate, embed, estimate_embedding
from gem_core.corpus.encoders import Encoder, EncoderSettings, load_encoder
from gem_core.corpus.read import REASONS, Corpus, hash_documents, read_corpus
from gem_core.corpus.vectors import load_vectors

__all__ = ["REASONS", "Columns", "Corpus", "Encoder", "EncoderSettings", "Estimate", "Preview", "choose_columns",
           "embed", "encode", "estimate_embedding", "guess_columns", "hash_documents", "load_encoder", "load_vectors",
           "preview", "read_corpus", "write_docstrings"]
