"""Endpoint of an OpenAI-compatible server: base URL, model, time limits; the key comes from the environment.

The key lives in the environment variable GEM_LLM_API_KEY alone: it is read when a request is made, never kept in an
object, a file, a log or a message.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from gem_core.errors import EndpointError

BASE_URL, MODEL, KEY = "GEM_LLM_BASE_URL", "GEM_LLM_MODEL", "GEM_LLM_API_KEY"
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Message:
    """One message of a request: role and content."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Answer:
    """Answer of a model (untrusted text), and why it stopped: "stop", "length" or a word of the server's own."""

    text: str
    finish: str


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers, and how long to wait for it; the key is not part of it.

    Parameters
    ----------
    base_url : str
        http or https, usually ending in /v1; requests go to {base_url}/chat/completions.
    model : str
        Name of the model as the server knows it.
    timeout : float
        Seconds that one answer may take; a model on a slow machine reads for a minute before it writes.
    retries : int
        Further attempts after a busy server (429), a fault of the server (5xx) or a lost connection.
    max_tokens : int
        Tokens a model may write for one label. A model that thinks aloud needs more than its label.

    Raises
    ------
    EndpointError
        If the address is no http address, or holds a name, a password or a query.

    Examples
    --------
    >>> Endpoint(" http://localhost:8000/v1/chat/completions ", "gemma")
    Endpoint(base_url='http://localhost:8000/v1', model='gemma', timeout=120.0, retries=4, max_tokens=200)
    """

    base_url: str
    model: str
    timeout: float = 120.0
    retries: int = 4
    max_tokens: int = 200

    def __post_init__(self) -> None:
        address = self.base_url.strip().rstrip("/").removesuffix("/chat/completions").rstrip("/")
        object.__setattr__(self, "base_url", address)
        object.__setattr__(self, "model", self.model.strip())
        parts = _split(address)
        if (
            parts is None
            or parts.scheme not in ("http", "https")
            or not parts.hostname
            or " " in address
            or not address.isprintable()
        ):
            raise EndpointError(
                "The base URL must be an http address",
                repr(address) if address else "none",
                "Write it as http://localhost:11434/v1",
            )
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise EndpointError(
                "The base URL must hold no name, password or query",
                f"one that does, at {parts.hostname}",
                f"Leave it out and put the key into {KEY}",
            )
        if not self.model or not self.model.isprintable():
            raise EndpointError(
                "A model must be named",
                repr(self.model) if self.model else "no name",
                f"Name it as the server does (see {address}/models), or set {MODEL}",
            )
        if not (self.timeout > 0 and self.retries >= 0 and self.max_tokens >= 1):
            raise EndpointError(
                "timeout must be above 0, retries 0 or more, max_tokens 1 or more",
                f"{self.timeout}, {self.retries}, {self.max_tokens}",
                "Use the defaults: 120, 4, 200",
            )

    @classmethod
    def from_environment(
        cls, base_url: str = "", model: str = "", *, max_tokens: int = 200, timeout: float = 120.0
    ) -> Self:
        """Return the endpoint given; what is left out comes from GEM_LLM_BASE_URL and GEM_LLM_MODEL."""
        base_url = base_url or os.environ.get(BASE_URL, "")
        if not base_url.strip():
            raise EndpointError(
                "Labels by a language model need an endpoint",
                "none",
                f"Give --base-url and --model, or set {BASE_URL} and {MODEL}",
            )
        return cls(base_url, model or os.environ.get(MODEL, ""), max_tokens=max_tokens, timeout=timeout)

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"{self.base_url}/chat/completions"

    @property
    def host(self) -> str:
        """Name and port of the server, without anything else of the address."""
        return urlsplit(self.base_url).netloc

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return urlsplit(self.base_url).hostname in LOCAL

    @property
    def exposes_key(self) -> bool:
        """Whether a key would travel unencrypted to another machine."""
        return has_key() and not self.is_local and urlsplit(self.base_url).scheme == "http"

    def body(self, messages: Sequence[Message]) -> dict[str, Any]:
        """Return the JSON of a request, all of it: the key goes into a header."""
        return {
            "model": self.model,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "temperature": 0,
            "max_tokens": self.max_tokens,
            "stream": False,
        }


def has_key() -> bool:
    """Whether the environment holds a key."""
    return bool(os.environ.get(KEY, "").strip())


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  # raises for one that is no number
    except ValueError:
        return None
    return parts
