"""Access to the server: a token in the address, the Origin of connections, headers that keep other pages out."""

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "token"  # parameter of the address that gem-explorer prints
HEALTH = "/_stcore/health"  # says that the server runs, and nothing else
REFUSED = "Open the address that gem-explorer app printed: it ends with ?token=...\n"
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class AccessGuard:
    """ASGI middleware: only who knows the token gets an answer, and only pages of this server open connections.

    The token comes once in the address and is then a cookie, which scripts cannot read and other sites do not send.
    A WebSocket, and every request that changes something, must name this server as its Origin: another port of the
    same machine shares cookies, but not the origin.

    Parameters
    ----------
    app : ASGIApp
    token : str
        Not empty.
    cookie : str
        Name of the cookie; of its own for each port, since cookies do not tell ports apart.
    path : str
        Path that the cookie is for, the base path of the server.
    """

    def __init__(self, app: ASGIApp, token: str, cookie: str, path: str = "/") -> None:
        self.app, self.token, self.cookie, self.path = app, token, cookie, path or "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            if self._has_cookie(headers) and self._is_same_origin(headers, required=True):
                await self.app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": "no token, or another Origin"})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        response = self._answer(scope, headers)
        await (response or self.app)(scope, receive, send_with_headers)

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """Return a refusal or the redirect that sets the cookie; None lets the request through."""
        if scope["path"].endswith(HEALTH) and scope["method"] in ("GET", "HEAD"):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query_token = next((value for name, value in query if name == TOKEN), None)
        if query_token is not None and self._is_token(query_token) and scope["method"] == "GET":
            rest = urlencode([(name, value) for name, value in query if name != TOKEN])
            # A path of two slashes would be read as another host.
            path = "/" + scope["path"].lstrip("/")
            redirect = RedirectResponse(path + (f"?{rest}" if rest else ""), status_code=303)
            redirect.set_cookie(self.cookie, self.token, path=self.path, httponly=True, samesite="lax")
            return redirect
        safe = scope["method"] in ("GET", "HEAD")
        if not self._has_cookie(headers) or not self._is_same_origin(headers, required=not safe):
            return PlainTextResponse(REFUSED, status_code=403)
        return None

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.token.encode())

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self.cookie in cookies and self._is_token(cookies[self.cookie].value)

    @staticmethod
    def _is_same_origin(headers: Headers, *, required: bool) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return not required
        return urlsplit(origin).netloc == headers.get("host", "")
