"""HTTP client for chat completions: one connection, retries for busy servers, clear errors."""

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlsplit

from gem_core.errors import AnswerError, EndpointError
from gem_core.llm.endpoint import KEY, Answer, Endpoint, Message, has_key

if TYPE_CHECKING:
    import httpx2
    import tenacity

LARGEST = 1 << 20  # bytes of an answer: a label needs few
LONGEST_WAIT = 60.0  # seconds: a server that asks for more is left alone
TICK = 0.2  # seconds between two looks at whether the work was stopped
_MESSAGE = 200  # characters of a server's own words in a message


class Client:
    """One connection to an endpoint, for one run: ``with Client(endpoint) as client: client.ask(messages)``.

    Parameters
    ----------
    endpoint : Endpoint
    """

    def __init__(self, endpoint: Endpoint) -> None:
        import httpx2

        self.endpoint = endpoint
        # The server on this machine is asked directly; others by the proxy of the environment, if there is one.
        # A redirect is refused: it would carry the key and the documents to an address that was not chosen.
        try:
            httpx2.URL(endpoint.url)
            self._http = httpx2.Client(
                timeout=endpoint.timeout, follow_redirects=False, trust_env=not endpoint.is_local
            )
        except (httpx2.InvalidURL, ValueError, ImportError) as error:
            raise EndpointError(
                "The base URL, and a proxy in the environment if there is one, must be addresses",
                _one_line(str(error)),
                "Correct it",
            ) from error
        self._reached = False
        self._failures = 0
        self._renamed = self._plain = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def ask(self, messages: Sequence[Message], tick: Callable[[], None] = lambda: None) -> Answer:
        """Send one request and return the answer of the model.

        Parameters
        ----------
        messages : sequence of Message
        tick : callable
            Called several times per second while there is nothing but waiting; raise in it to stop.

        Returns
        -------
        Answer

        Raises
        ------
        EndpointError
            If the endpoint cannot be used: no connection, no such path or model, key refused, busy for too long,
            or something that does not speak the protocol.
        AnswerError
            If it refuses this one request.
        """
        import tenacity

        attempts = tenacity.Retrying(
            stop=self._gives_up,
            wait=_pause,
            retry=tenacity.retry_if_exception_type(_NotReadyError),
            sleep=lambda seconds: _wait(seconds, tick),
        )
        try:
            return attempts(self._ask_once, messages, tick)
        except tenacity.RetryError as error:
            last = error.last_attempt.exception()
            if isinstance(last, _NotReadyError) and last.is_slow and self._reached:
                raise AnswerError(
                    f"{self.endpoint.host} must answer in time", f"{last}, twice", "Allow more time with --timeout"
                ) from error
            raise EndpointError(
                f"{self.endpoint.host} must answer",
                f"{last}, {error.last_attempt.attempt_number} times",
                "Check that the server is running, then start again",
            ) from error

    def _gives_up(self, state: "tenacity.RetryCallState") -> bool:
        """Whether no further attempt is made: a server that answers others is asked a slow question twice."""
        error = state.outcome.exception() if state.outcome is not None else None
        slow = isinstance(error, _NotReadyError) and error.is_slow and self._reached
        return state.attempt_number > (min(1, self.endpoint.retries) if slow else self.endpoint.retries)

    def _ask_once(self, messages: Sequence[Message], tick: Callable[[], None]) -> Answer:
        """Send one request.

        Raises
        ------
        _NotReadyError
            When the same request may succeed later: busy, a fault of the server, a lost connection.
        """
        import httpx2

        try:
            reply = self._adapted(messages, tick)
        except httpx2.TransportError as error:
            self._failures += 1
            slow = isinstance(error, httpx2.TimeoutException)
            raise _NotReadyError(self._describe_lost_connection(error), 0.0, is_slow=slow) from error
        self._reached = True
        if reply.status < 300:
            return _answer(reply, self.endpoint)
        status = f"status {reply.status}{_server_message(reply)}"
        if not (reply.status in (408, 429) or reply.status >= 500) or "insufficient_quota" in reply.text:
            self._refuse(reply)
        pause = _retry_after(reply.retry_after)
        if pause > LONGEST_WAIT:
            raise EndpointError(
                f"{self.endpoint.host} must be ready to answer",
                f"{status}; it asks for a pause of {pause:,.0f} s",
                "Wait that long, then start again",
            )
        raise _NotReadyError(status, pause)

    def _adapted(self, messages: Sequence[Message], tick: Callable[[], None]) -> "_RawReply":
        """Post; a server that knows the newer names of the options only gets those, from then on."""
        while True:
            body = self.endpoint.body(messages)
            if self._renamed:
                body["max_completion_tokens"] = body.pop("max_tokens")
            if self._plain:
                del body["temperature"]
            reply = _watched(lambda body=body: self._post(body), tick)  # type: ignore[misc]
            refused = reply.text if reply.status in (400, 422) else ""
            if "max_completion_tokens" in refused and not self._renamed:
                self._renamed = True
            elif "temperature" in refused and not self._plain:
                self._plain = True
            else:
                return reply

    def _post(self, body: dict[str, Any]) -> "_RawReply":
        import httpx2

        until = time.monotonic() + self.endpoint.timeout
        data = b""
        with self._http.stream("POST", self.endpoint.url, json=body, headers=_headers()) as response:
            for chunk in response.iter_raw():  # as sent: nothing is unpacked, so a small answer cannot grow
                data += chunk
                if len(data) > LARGEST:
                    raise EndpointError(
                        f"An answer holds at most {LARGEST:,} bytes",
                        f"more, from {self.endpoint.host}",
                        "Look whether this is the address of a chat endpoint",
                    )
                if time.monotonic() > until:
                    raise httpx2.ReadTimeout("the answer does not end")
        return _RawReply(
            response.status_code,
            data.decode("utf-8", "replace"),
            response.headers.get("retry-after", ""),
            response.headers.get("location", ""),
        )

    def _describe_lost_connection(self, error: "httpx2.TransportError") -> str:
        """Return the error for a missing reply; a server that never answered is not retried five times."""
        import httpx2

        if isinstance(error, httpx2.TimeoutException):
            return f"no answer within {self.endpoint.timeout:g} s"
        message = " ".join(str(error).split())[:_MESSAGE] or type(error).__name__
        if (
            isinstance(error, httpx2.ConnectError)
            and not self._reached
            and (self._failures > 1 or "CERT" in message.upper())
        ):
            raise EndpointError(
                f"A server must listen at {self.endpoint.base_url}", message, "Start it, or correct the base URL"
            ) from error
        return message

    def _refuse(self, reply: "_RawReply") -> NoReturn:
        endpoint, got = self.endpoint, f"status {reply.status}{_server_message(reply)}"
        if reply.status < 400:
            raise EndpointError(
                f"{endpoint.url} must answer itself",
                f"{got}, a redirect to {_one_line(reply.location)}",
                "Give the final address as the base URL",
            )
        if reply.status in (401, 403):
            raise EndpointError(
                f"{endpoint.host} must accept the key",
                f"{got}, with {'a' if has_key() else 'no'} key",
                f"Set {KEY} in the environment and start gem-explorer again",
            )
        if reply.status == 404:
            raise EndpointError(
                f"{endpoint.host} must know {urlsplit(endpoint.url).path} and the model {endpoint.model}",
                got,
                "Check both; a base URL usually ends in /v1, and /models behind it lists the models",
            )
        if reply.status in (400, 413, 422):
            raise AnswerError("The endpoint must accept the request", got, "See what was sent with --dry-run")
        raise EndpointError(f"{endpoint.host} must answer", got, "Ask whoever runs the endpoint")


class _NotReadyError(Exception):
    """The server cannot answer now; `pause` is how many seconds it asks to be left alone, or 0."""

    def __init__(self, message: str, pause: float, *, is_slow: bool = False) -> None:
        super().__init__(message)
        self.pause, self.is_slow = pause, is_slow


def _pause(state: "tenacity.RetryCallState") -> float:
    """Seconds before the next attempt: 0.5, 1, 2, ... or what the server asks for, if that is more."""
    error = state.outcome.exception() if state.outcome is not None else None
    return max(0.5 * 2.0 ** (state.attempt_number - 1), error.pause if isinstance(error, _NotReadyError) else 0.0)


@dataclass(frozen=True)
class _RawReply:
    status: int
    text: str
    retry_after: str
    location: str


def _headers() -> dict[str, str]:
    from gem_core._version import __version__

    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": f"gem-explorer/{__version__}"}
    key = os.environ.get(KEY, "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):  # else the library's error would show it
        raise EndpointError(
            f"{KEY} must hold printable ASCII without spaces", "something else (not shown)", "Set it again"
        )
    return {**headers, "Authorization": f"Bearer {key}"} if key else headers


def _watched(call: Callable[[], _RawReply], tick: Callable[[], None]) -> _RawReply:
    """Run `call` beside this thread, which stays free to hear that the work was stopped."""
    replies: list[_RawReply] = []
    faults: list[BaseException] = []
    end_event = threading.Event()

    def work() -> None:
        try:
            replies.append(call())
        except BaseException as error:
            faults.append(error)
        finally:
            end_event.set()

    threading.Thread(target=work, daemon=True).start()
    while not end_event.wait(TICK):
        tick()
    if faults:
        raise faults[0]
    return replies[0]


def _wait(seconds: float, tick: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (remaining_seconds := until - time.monotonic()) > 0:
        tick()
        time.sleep(min(TICK, remaining_seconds))


def _retry_after(value: str) -> float:
    """Seconds that a Retry-After header asks for, given as a number or as a date; 0 when it says nothing."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except ValueError:
            return 0.0
    return seconds if seconds > 0 else 0.0  # also for nan


def _answer(reply: _RawReply, endpoint: Endpoint) -> Answer:
    try:
        choice = json.loads(reply.text)["choices"][0]
        content = choice["message"].get("content")
        if isinstance(content, list):  # some servers answer in parts
            content = "".join(str(part.get("text", "")) for part in content)
        if content is not None and not isinstance(content, str):
            raise TypeError("content is no text")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise EndpointError(
            f"{endpoint.url} must answer as the chat completions of the OpenAI protocol do",
            f"status {reply.status} with {_one_line(reply.text) or 'nothing'}",
            "Check the base URL; it usually ends in /v1",
        ) from error
    return Answer(content or "", str(choice.get("finish_reason") or ""))


def _server_message(reply: _RawReply) -> str:
    """Return the error text of the server."""
    try:
        error = json.loads(reply.text)["error"]
        message = error["message"] if isinstance(error, dict) else error
    except (ValueError, TypeError, KeyError, RecursionError):
        message = reply.text
    message_line = _one_line(str(message))
    return f" ({message_line})" if message_line else ""


def _one_line(text: str) -> str:
    """Return a server's words on one line, short, and without the key should it repeat it."""
    key = os.environ.get(KEY, "").strip()
    if key:
        text = text.replace(key, "[key]")
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 10 * _MESSAGE]).split())[:_MESSAGE]
