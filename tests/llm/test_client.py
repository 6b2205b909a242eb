"""The client of a language model against a real server that speaks the protocol, well and badly."""

import logging
import re
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gem_core.errors import AnswerError, Cancelled, EndpointError, InputError
from gem_core.llm.client import LARGEST, Client, _retry_after
from gem_core.llm.endpoint import Endpoint, Message
from tests.helpers.chat_server import Reply, chat_server, refuses, says

SECRET = "sk-very-secret-0123456789"
QUESTION = (Message("system", "You name things."), Message("user", "Label: é 日本"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEM_LLM_API_KEY", "GEM_LLM_BASE_URL", "GEM_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("gem_core.llm.client.TICK", 0.01)


def ask(url: str, **options: float) -> str:
    with Client(Endpoint(url, "gemma", **options)) as client:  # type: ignore[arg-type]
        return client.ask(QUESTION).text


def refusal(url: str, kind: type[InputError] = EndpointError, **options: float) -> str:
    with pytest.raises(kind) as caught:
        ask(url, **options)
    assert re.fullmatch(r".+; got .+\. .+\.", str(caught.value)), str(caught.value)
    return str(caught.value)


def test_the_request_is_the_protocols(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEM_LLM_API_KEY", f" {SECRET}\n")
    with chat_server([says("Rivers")]) as server:
        assert ask(server.url + "/", max_tokens=30) == "Rivers"
    assert server.paths == ["/v1/chat/completions"]
    assert server.bodies == [
        {
            "model": "gemma",
            "temperature": 0,
            "max_tokens": 30,
            "stream": False,
            "messages": [
                {"role": "system", "content": "You name things."},
                {"role": "user", "content": "Label: é 日本"},
            ],
        }
    ]
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert server.headers[0]["accept-encoding"] == "identity"


def test_without_a_key_none_is_sent() -> None:
    with chat_server([says("Rivers")]) as server:
        ask(server.url)
    assert "authorization" not in server.headers[0]


def test_the_key_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEM_LLM_API_KEY", SECRET)
    caplog.set_level(logging.DEBUG)
    with chat_server([refuses(401, f"the key {SECRET} is wrong")]) as server:
        endpoint = Endpoint(server.url, "gemma")
        client = Client(endpoint)
        with pytest.raises(EndpointError) as caught:
            client.ask(QUESTION)
    out = capfd.readouterr()
    texts = [
        repr(endpoint),
        str(endpoint),
        repr(client),
        repr(vars(client)),
        str(caught.value),
        repr(caught.value),
        out.out,
        out.err,
        caplog.text,
    ]
    assert [text for text in texts if SECRET in text] == []
    assert "the key [key] is wrong" in str(caught.value)
    assert "GEM_LLM_API_KEY" in str(caught.value)


@pytest.mark.parametrize("key", ["sk-a\nInjected: 1", "sk-ключ", "two words"])
def test_a_key_that_is_none_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("GEM_LLM_API_KEY", key)
    with chat_server([says("Rivers")]) as server:
        message = refusal(server.url)
    assert server.bodies == []
    assert message == (
        "GEM_LLM_API_KEY must hold printable ASCII without spaces; got something else (not shown). Set it again."
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "must accept the key; got status 401 (no), with no key. Set GEM_LLM_API_KEY"),
        (403, "must accept the key"),
        (
            404,
            "must know /v1/chat/completions and the model gemma; got status 404 (no). Check both; a base URL usually",
        ),
        (402, "must answer; got status 402 (no). Ask whoever runs the endpoint"),
    ],
)
def test_what_waiting_cannot_mend_is_refused_at_once(status: int, words: str) -> None:
    with chat_server([refuses(status)]) as server:
        assert words in refusal(server.url)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_refused_request_is_not_the_end(status: int) -> None:
    with chat_server([refuses(status, "content filter")]) as server:
        assert "content filter" in refusal(server.url, AnswerError)
    assert len(server.bodies) == 1


def test_a_used_up_quota_is_not_waited_for() -> None:
    with chat_server([refuses(429, "insufficient_quota: pay first")]) as server:
        assert "pay first" in refusal(server.url)
    assert len(server.bodies) == 1


def test_a_busy_server_is_asked_again_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("gem_core.llm.client._wait", lambda seconds, tick: pauses.append(seconds))
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    ill = [refuses(429, Retry_After="7"), refuses(503, Retry_After=soon), refuses(500), refuses(502)]
    with chat_server([*ill, says("Rivers")]) as server:
        assert ask(server.url) == "Rivers"
    assert len(server.bodies) == 5
    assert pauses[0] == 7
    assert 15 < pauses[1] <= 20
    assert pauses[2:] == [2.0, 4.0]


def test_it_really_waits() -> None:
    with chat_server([refuses(429, Retry_After="0.8"), says("Rivers")]) as server:
        started = time.monotonic()
        assert ask(server.url) == "Rivers"
        assert time.monotonic() - started >= 0.8


def test_a_server_that_wants_an_hour_is_left_alone() -> None:
    with chat_server([refuses(429, Retry_After="3600")]) as server:
        assert "it asks for a pause of 3,600 s. Wait that long" in refusal(server.url)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("value", ["", "soon", "-3", "nan", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 400 + "x"])
def test_a_strange_retry_after_is_none(value: str) -> None:
    assert _retry_after(value) == 0.0


def test_a_server_that_stays_ill_is_given_up() -> None:
    with chat_server([refuses(500, "on fire")]) as server:
        assert "must answer; got status 500 (on fire), 2 times" in refusal(server.url, retries=1)
    assert len(server.bodies) == 2


def test_a_lost_connection_is_made_again() -> None:
    with chat_server([Reply(cut=True), says("Rivers")]) as server:
        assert ask(server.url) == "Rivers"


def test_nobody_listens() -> None:
    with socket.socket() as bound_socket:
        bound_socket.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound_socket.getsockname()[1]}/v1"
        message = refusal(url)
    assert message.startswith(f"A server must listen at {url}; got ")
    assert "refused" in message


def test_an_answer_that_takes_too_long() -> None:
    with chat_server([says("Rivers", wait=5)]) as server:
        assert "must answer; got no answer within 0.2 s, 1 times" in refusal(server.url, timeout=0.2, retries=0)


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for() -> None:
    with chat_server([replace(says("Rivers"), drip=0.1)]) as server:  # a quarter of a minute in all
        assert "got no answer within 1 s, 1 times" in refusal(server.url, timeout=1.0, retries=0)


def test_a_slow_answer_can_be_cancelled() -> None:
    looks = 0

    def tick() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Cancelled

    with chat_server([says("Rivers", wait=30)]) as server:
        started = time.monotonic()
        with Client(Endpoint(server.url, "gemma")) as client, pytest.raises(Cancelled):
            client.ask(QUESTION, tick)
        assert time.monotonic() - started < 10  # the answer would take thirty


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b"[]",
        b"null",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": 3}]}',
        b'{"choices": [{"message": {"content": 3}}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_what_is_not_the_protocol_is_said(body: bytes) -> None:
    with chat_server([Reply(body=body)]) as server:
        assert (
            "/v1/chat/completions must answer as the chat completions of the OpenAI protocol do; got status 200"
            in refusal(server.url)
        )


def test_an_empty_answer_is_an_answer() -> None:
    with chat_server([says(None, "length"), says("")]) as server, Client(Endpoint(server.url, "gemma")) as client:
        assert (client.ask(QUESTION).text, client.ask(QUESTION).text) == ("", "")


def test_content_in_parts_is_joined() -> None:
    with chat_server([says([{"type": "text", "text": "Ri"}, {"type": "text", "text": "vers"}])]) as server:  # type: ignore[arg-type]
        assert ask(server.url) == "Rivers"


def test_an_endless_answer_is_cut_off() -> None:
    with chat_server([Reply(body=b" " * (LARGEST + 1))]) as server:
        assert f"An answer holds at most {LARGEST:,} bytes" in refusal(server.url)


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEM_LLM_API_KEY", SECRET)
    with (
        chat_server([says("stolen")]) as thief,
        chat_server([Reply(307, b"", {"Location": f"{thief.url}/chat/completions"})]) as server,
    ):
        assert "a redirect to" in refusal(server.url)
    assert thief.bodies == []


def test_newer_names_of_the_options_are_learned_once() -> None:
    def reply(index: int, body: dict[str, object]) -> Reply:
        if "max_tokens" in body:
            return refuses(400, "Unsupported parameter: use 'max_completion_tokens'")
        if "temperature" in body:
            return refuses(400, "Unsupported value: 'temperature' must be 1")
        return says("Rivers")

    with chat_server(reply) as server, Client(Endpoint(server.url, "o9", max_tokens=50)) as client:
        assert [client.ask(QUESTION).text for _ in range(2)] == ["Rivers", "Rivers"]
    assert len(server.bodies) == 4
    assert server.bodies[-1]["max_completion_tokens"] == 50


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must be an http address; got none"),
        ("localhost:8000", "must be an http address"),
        ("file:///etc/passwd", "must be an http address"),
        ("http://", "must be an http address"),
        ("http://h:99999/v1", "must be an http address"),
        ("http://a b/v1", "must be an http address"),
        pytest.param("http://h/" + 70_000 * "v", "must be addresses", id="long"),
        ("http://h/v1\u202e", "must be an http address"),
        ("https://me:sk-hidden@h/v1", "must hold no name, password or query"),
        ("https://h/v1?key=sk-hidden", "must hold no name, password or query"),
    ],
)
def test_addresses_that_are_refused(url: str, words: str) -> None:
    with pytest.raises(EndpointError) as caught:
        Client(Endpoint(url, "gemma"))
    assert words in str(caught.value)
    assert "sk-hidden" not in str(caught.value)


def test_the_environment_fills_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EndpointError, match="GEM_LLM_BASE_URL"):
        Endpoint.from_environment()
    monkeypatch.setenv("GEM_LLM_BASE_URL", "https://models.example/v1/")
    with pytest.raises(EndpointError, match="GEM_LLM_MODEL"):
        Endpoint.from_environment()
    monkeypatch.setenv("GEM_LLM_MODEL", "gemma")
    assert Endpoint.from_environment() == Endpoint("https://models.example/v1", "gemma")
    assert Endpoint.from_environment("http://localhost:1/v1", "other") == Endpoint("http://localhost:1/v1", "other")


def test_a_key_in_the_clear_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [Endpoint(url, "m") for url in ("http://gpu.example/v1", "https://gpu.example/v1", "http://[::1]:80/v1")]
    assert [endpoint_url.exposes_key for endpoint_url in places] == [False, False, False]
    monkeypatch.setenv("GEM_LLM_API_KEY", SECRET)
    assert [endpoint_url.exposes_key for endpoint_url in places] == [True, False, False]
    assert places[2].host == "[::1]:80"
