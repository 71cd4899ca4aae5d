"""The auth server and the signed URLs of the emulator's Annotell part (wire, sections 2
and 1a).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections import Counter
from collections.abc import Callable, Mapping
from time import gmtime, strftime, time
from urllib.parse import parse_qs, quote

from syncer.emulator.answer import Answer, Request

TOKEN_PATH = "/v1/auth/oauth/token"  # noqa: S105 - a path
STORAGE = "/_storage/"
REFUSED_SECRET = "refused-secret"  # noqa: S105 - the one that is always refused
LEEWAY_SECONDS = 5.0
"""A token is taken for this long after it has expired: clocks differ, and one that has
run out when it comes can be looked at.
"""
TOKEN_USES = 3
"""The uses of a token under `token-uses=3`."""


class GrantedTokens:
    """Access tokens by client credentials, with and without refresh tokens.

    Any client id and secret will do, but one secret.
    """

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self.granted: Counter[str] = Counter()
        """Tokens by grant type."""
        self._clock = clock
        self._expires_at: dict[str, float] = {}
        self._uses: Counter[str] = Counter()
        self._refresh: set[str] = set()

    def answer(self, request: Request, switches: Mapping[str, str]) -> Answer:
        """POST /v1/auth/oauth/token, the client shown in the body or by HTTP Basic."""
        form = {
            name: values[0]
            for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()
        }
        client = self._client(request, form, switches["client-auth"])
        if client is None or not all(client) or client[1] == REFUSED_SECRET:
            return _refuse("invalid_client", "Bad client credentials")
        grant = form.get("grant_type", "")
        if grant == "refresh_token":
            token = form.get("refresh_token", "")
            if token not in self._refresh or switches["refresh-token"] == "expired":
                return _refuse("invalid_token", "Refresh token expired")
            self._refresh.discard(token)
        elif grant != "client_credentials":
            return Answer({"error": "unsupported_grant_type"}, 400)
        self.granted[grant] += 1
        return Answer(
            self._make(int(switches["token-seconds"]), refresh=switches["refresh-token"] != "none")
        )

    def _client(
        self, request: Request, form: Mapping[str, str], way: str
    ) -> tuple[str, str] | None:
        """(id, secret); None where they are not shown in a way this server takes."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic" and way != "post":
            try:
                id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                return None
            return id, secret
        if "client_id" in form and way != "basic":
            return form["client_id"], form.get("client_secret", "")
        return None

    def _make(self, seconds: int, *, refresh: bool) -> dict[str, object]:
        number = sum(self.granted.values())
        payload = base64.urlsafe_b64encode(b'{"sub":"%d"}' % number).decode().rstrip("=")
        token = f"eyJhbGciOiJub25lIn0.{payload}.{os.urandom(8).hex()}"
        self._expires_at[token] = self._clock() + seconds + LEEWAY_SECONDS
        made: dict[str, object] = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": seconds,
        }
        if refresh:
            made["refresh_token"] = f"rt-{number:04}-{os.urandom(8).hex()}"
            self._refresh.add(str(made["refresh_token"]))
        return made

    def takes(self, request: Request, switches: Mapping[str, str]) -> bool:
        """Whether the request's token was granted, has not expired, and may still be
        used.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._clock() >= self._expires_at.get(token, 0.0):
            return False
        self._uses[token] += 1
        return switches["token-uses"] == "any" or self._uses[token] <= TOKEN_USES


class Signatures:
    """URLs that anyone who has them may read for a while, in the form of Google's
    storage (V4).
    """

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._key = os.urandom(16)
        self._signed: Counter[str] = Counter()

    def url(self, host: str, name: str, switches: Mapping[str, str]) -> str:
        """A URL of a stored file.

        Under `signed-url`, all of them or the first of each file have expired when they
        are made.
        """
        seconds = int(switches["signed-url-seconds"])
        self._signed[name] += 1
        stale = switches["signed-url"] == "stale" or (
            switches["signed-url"] == "stale-first" and self._signed[name] == 1
        )
        at = self._clock() - (seconds + 1 if stale else 0)
        date = strftime("%Y%m%dT%H%M%SZ", gmtime(at))
        credential = quote("svc@emulator/auto/storage/goog4_request", safe="")
        expires_at = f"{at + seconds:.3f}"
        query = (
            f"X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential={credential}"
            f"&X-Goog-Date={date}&X-Goog-Expires={seconds}&X-Goog-SignedHeaders=host"
            f"&X-Emulator-Until={expires_at}"
            f"&X-Goog-Signature={self._signature(name, expires_at)}"
        )
        return f"http://{host}{STORAGE}{name}?{query}"

    def expires_at(self, url: str) -> float:
        """Return when a URL that was signed here expires: seconds since 1970."""
        return float(url.partition("&X-Emulator-Until=")[2].partition("&")[0])

    def refuse(self, request: Request) -> Answer | None:
        """The storage's answer to a URL that is not taken: a token beside the
        signature, a wrong signature, an expired one.
        """
        name = request.path.removeprefix(STORAGE)
        until, signature = (
            request.query.get(key, [""])[0] for key in ("X-Emulator-Until", "X-Goog-Signature")
        )
        if "Authorization" in request.headers:
            return _xml(400, "InvalidSecurity", "The provided security credentials are not valid.")
        if not hmac.compare_digest(signature, self._signature(name, until)):
            return _xml(403, "SignatureDoesNotMatch", "Access denied.")
        if self._clock() >= float(until):
            return _xml(400, "ExpiredToken", "Invalid argument.")
        return None

    def _signature(self, name: str, until: str) -> str:
        return hmac.new(self._key, f"{name} {until}".encode(), "sha256").hexdigest()


def no_such_file() -> Answer:
    """The storage's answer to a name that it does not know."""
    return _xml(404, "NoSuchKey", "The specified key does not exist.")


def _refuse(error: str, description: str) -> Answer:
    return Answer({"error": error, "error_description": description}, 401)


def _xml(status: int, code: str, message: str) -> Answer:
    text = (
        "<?xml version='1.0'"
        f" encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return Answer(None, status, text=text, content_type="application/xml")
