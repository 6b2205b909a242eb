"""Choose and load a text encoder: the packaged one, a folder, or a model of the Hugging Face hub."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from gem_core._types import Float32
from gem_core.embedding.minilm import PACKAGED_NAME, PACKAGED_SHA256, PackagedEncoder
from gem_core.errors import CorpusError, InputError

if TYPE_CHECKING:
    import torch

PACKAGED = "packaged"
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class EncoderSettings:
    """What, beside the model, decides the vectors.

    Attributes
    ----------
    max_tokens : int or None
        Tokens of a text that are read; the model's own limit when None (256 for the packaged one).
    precision : {"auto", "float32", "bfloat16"}
        "auto" takes bfloat16 where the processor (AMX or AVX512-BF16) or the GPU computes in it, else float32. Against
        float32 the cosine is 0.9999 or better for the packaged encoder.
    device : {"auto", "cpu", "cuda"}
        "auto" takes the GPU where there is one. Not part of the cache's key.
    prompt : str or None
        Put before every document, for models trained with one ("passage: "); the model's own when None.
    query_prompt : str or None
        Put before the words of a search ("query: "); the model's own when None. Not part of the cache's key.
    """

    max_tokens: int | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    prompt: str | None = None
    query_prompt: str | None = None

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise InputError(
                "--max-tokens must be at least 1", f"{self.max_tokens}", "Leave it out for the model's limit"
            )


class Encoder(Protocol):
    """What turns texts into vectors, in two steps, so that texts of one length can be put together between them.

    Attributes
    ----------
    name : str
        Name for people.
    dimension : int
        Length d of the vectors.
    max_tokens : int
        Tokens of a text that are read; what follows is not seen.
    precision, device : str
        "float32" or "bfloat16"; "cpu" or "cuda".
    workers : int
        How many threads may call `forward` at once, each with one torch thread; 1 leaves torch's own threads alone.
    """

    name: str
    dimension: int
    max_tokens: int
    precision: str
    device: str
    workers: int

    def prepare(self, texts: Sequence[str], *, query: bool = False) -> list[tuple[int, Any]]:
        """Return for each document or query its length in tokens (or a guess) and what `forward` wants."""

    def forward(self, prepared: Sequence[Any]) -> Float32:
        """Return the vectors of prepared texts, shape (texts, dimension)."""


def identify(encoder: str) -> str | None:
    """Name a model by its content, without loading it: same name, same vectors.

    Returns
    -------
    str or None
        "all-MiniLM-L6-v2@sha256" for the packaged model; a hash over a folder's files; the revision of a hub model, or
        None where it has not been downloaded yet.

    Examples
    --------
    >>> identify("packaged")[:29]
    'all-MiniLM-L6-v2@53aa51172d14'
    """
    if encoder == PACKAGED:
        return f"{PACKAGED_NAME}@{PACKAGED_SHA256}"
    folder = _folder(encoder)
    if folder is not None:
        return f"folder@{_hash_folder(folder)}"
    return _hub_identity(encoder)


def _hub_identity(name: str) -> str | None:
    from huggingface_hub import try_to_load_from_cache

    full = name if "/" in name else f"sentence-transformers/{name}"
    for repository in (full, name):
        for file in ("modules.json", "config.json"):
            cached_file = try_to_load_from_cache(repository, file)
            if isinstance(cached_file, str):
                # <cache>/models--x--y/snapshots/<revision>/<file>
                return f"{repository}@{Path(cached_file).parent.name}"
    return None


def _folder(encoder: str) -> Path | None:
    """Return the folder that an encoder's name means, or None for a name of the hub."""
    path = Path(encoder).expanduser()
    if path.is_dir():
        return path
    if path.exists() or encoder.startswith((".", "/", "~")) or not HUB_NAME.fullmatch(encoder):
        raise CorpusError(
            "an encoder must be 'packaged', a folder or a name of the Hugging Face hub",
            f"'{encoder}', which is none of them",
            "Check the path",
        )
    return None


def _hash_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    # Alternative exports of the same weights and papers about them do not change the vectors.
    passed = {".onnx", ".xml", ".md", ".bin.index", ".gitattributes", ".h5", ".ot", ".msgpack"}
    files = _walk_files(folder, (os.path.realpath(folder),))
    for path in sorted(path for path in files if path.suffix.lower() not in passed):
        with path.open("rb") as file:
            entry = [path.relative_to(folder).as_posix(), hashlib.file_digest(file, "sha256").hexdigest()]
        digest.update(json.dumps(entry).encode())
    return digest.hexdigest()


def _walk_files(folder: Path, chain: tuple[str, ...]) -> Iterator[Path]:
    """Yield all files below a folder; links are followed, but not back into a folder of the chain they lie in."""
    for path in folder.iterdir():
        if path.is_file():
            yield path
        elif path.is_dir() and (real := os.path.realpath(path)) not in chain:
            yield from _walk_files(path, (*chain, real))


def load_encoder(encoder: str = PACKAGED, settings: EncoderSettings | None = None) -> Encoder:
    """Load an encoder.

    Nothing is fetched from the network for "packaged" and for folders. A name of the hub is looked for on this machine
    first and downloaded otherwise. Code that a model brings along is never run.

    Parameters
    ----------
    encoder : str
        "packaged" (all-MiniLM-L6-v2, d = 384), the folder of a sentence-transformers model, or its name on the hub.
    settings : EncoderSettings, optional

    Raises
    ------
    CorpusError
        When there is no such model, it cannot be loaded, or the packaged weights are not the published ones.
    """
    settings = settings or EncoderSettings()
    device, dtype = _where(settings)
    if encoder == PACKAGED:
        return PackagedEncoder(
            max_tokens=settings.max_tokens or 256,
            dtype=dtype,
            device=device,
            workers=_workers(device),
            prompt=settings.prompt or "",
            query_prompt=settings.query_prompt or "",
        )
    return SentenceEncoder(encoder, _load_model(encoder, device), settings, dtype)


def _where(settings: EncoderSettings) -> "tuple[str, torch.dtype]":
    import torch

    device = settings.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if settings.precision != "auto":
        return device, torch.float32 if settings.precision == "float32" else torch.bfloat16
    fast = torch.cuda.is_bf16_supported() if device == "cuda" else computes_in_bfloat16()
    return device, torch.bfloat16 if fast else torch.float32


def computes_in_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 matrices in hardware (AMX, or AVX512-BF16)."""
    import torch

    # Without these instructions torch emulates bfloat16, several times slower than float32. The two questions are
    # torch's own but not part of its promised interface, hence the default.
    asks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(bool(getattr(torch.cpu, ask, lambda: False)()) for ask in asks)


def _workers(device: str) -> int:
    import torch

    return 1 if device == "cuda" else max(1, torch.get_num_threads())


def _load_model(encoder: str, device: str) -> Any:
    from sentence_transformers import SentenceTransformer

    folder = _folder(encoder)
    error: Exception | None = None
    # A model that is on this machine already needs no network.
    for local in (True,) if folder is not None else (True, False):
        try:
            return SentenceTransformer(
                str(folder or encoder), device=device, trust_remote_code=False, local_files_only=local
            )
        except (OSError, ValueError, ImportError, KeyError, RuntimeError) as caught:
            error = caught
    lines = str(error).strip().splitlines() or [type(error).__name__]
    do = "Check the folder" if folder is not None else "Check the name and the network, or use 'packaged'"
    raise CorpusError(
        f"the encoder '{encoder}' must be a sentence-transformers model that can be loaded",
        lines[0][:200].rstrip("."),
        do,
    ) from error


class SentenceEncoder:
    """Any sentence-transformers model behind the `Encoder` interface."""

    workers = 1  # its tokenizer may not be called by two threads

    def __init__(self, name: str, model: Any, settings: EncoderSettings, dtype: "torch.dtype") -> None:
        import torch

        if settings.max_tokens is not None:
            model.max_seq_length = settings.max_tokens
        limit = model.max_seq_length
        self.max_tokens = int(limit) if limit is not None and limit < 10**6 else 10**6
        if dtype == torch.bfloat16 and not _is_transformer(model):
            dtype = torch.float32
        self._model = model.to(dtype).eval()
        self.name, self.precision = name, str(dtype).removeprefix("torch.")
        self.device = str(model.device.type)
        self._prompts = {False: settings.prompt, True: settings.query_prompt}
        self.dimension = int(self._width(model))

    @staticmethod
    def _width(model: Any) -> int:
        ask = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        width = ask()
        return int(width) if width else int(model.encode(["a"], show_progress_bar=False).shape[1])

    def prepare(self, texts: Sequence[str], *, query: bool = False) -> list[tuple[int, tuple[str, bool]]]:
        """Return (length in tokens, guessed at four characters each; the text and whether it is a query)."""
        return [(min(self.max_tokens, 2 + len(text) // 4), (text, query)) for text in texts]

    def forward(self, prepared: Sequence[tuple[str, bool]]) -> Float32:
        """Return the vectors of texts, shape (texts, dimension)."""
        query = prepared[0][1]  # One call has queries or documents alone.
        # Where no prompt is named these take the model's own for queries or documents.
        out = (self._model.encode_query if query else self._model.encode_document)(
            [text for text, _ in prepared],
            batch_size=len(prepared),
            show_progress_bar=False,
            prompt=self._prompts[query],
            convert_to_tensor=True,
        )
        return np.asarray(out.float().cpu().numpy(), dtype=np.float32)


def _is_transformer(model: Any) -> bool:
    modules: Iterator[Any] = iter(model)
    return hasattr(next(modules), "auto_model")
