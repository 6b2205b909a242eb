"""Embedding: encoders, a resumable vector cache, token counts and near-duplicates."""

from gem_core.embedding.batches import encode
from gem_core.embedding.embed import EmbeddingEstimate, embed, estimate_embedding
from gem_core.embedding.encoders import Encoder, EncoderSettings, load_encoder

__all__ = ["EmbeddingEstimate", "Encoder", "EncoderSettings", "embed", "encode", "estimate_embedding", "load_encoder"]
