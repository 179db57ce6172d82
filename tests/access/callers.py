"""Callers for the tests: a few known keys, requests signed by AWS's own libraries, a clock that tests turn."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar
from unittest.mock import patch
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tule.access.authenticate import Authenticator
from tule.access.identities import AccessKey, IdentityPolicies
from tule.access.principal import Principal, root
from tule.core.config import Config
from tule.wire.http import Body, Request

T = TypeVar("T")

ACCOUNT = "123456789012"
NOW_MS = 1_714_564_800_000  # 2024-05-01T12:00:00Z
ALICE = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice", f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAALICE")
WORKER = Principal(
    "role",
    ACCOUNT,
    f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s1",
    f"arn:aws:iam::{ACCOUNT}:role/worker",
    "AROAWORKER:s1",
    access_key="ASIAWORKER",
    session_name="s1",
)
KEYS = {
    "AKIAALICE": AccessKey("AKIAALICE", "alice/secret+key", ALICE),
    "AKIAROOT": AccessKey("AKIAROOT", "rootsecret", root(ACCOUNT, "AKIAROOT")),
    "AKIAOFF": AccessKey("AKIAOFF", "offsecret", ALICE, active=False),
}
SESSION = AccessKey("ASIAWORKER", "workersecret", WORKER, session_token="the+token/==", expires_ms=NOW_MS + 3_600_000)


class KnownIdentities:
    def __init__(self) -> None:
        self.changes = 1
        self.granted: dict[str, IdentityPolicies] = {}
        self.keys = dict(KEYS)
        self.uses: list[str] = []

    def access_key(self, tx: Any, access_key: str) -> AccessKey | None:
        return self.keys.get(access_key)

    def session(self, token: str) -> AccessKey | None:
        return SESSION if token == SESSION.session_token else None

    def policies(self, tx: Any, principal: Principal) -> IdentityPolicies | None:
        return self.granted.get(principal.entity_arn)

    def used(self, principal: Principal, service: str, operation: str, region: str, at_ms: int) -> None:
        self.uses.append(f"{service}:{operation}")

    def version(self) -> int:
        return self.changes


class NoStore:
    """Reads run at once, without a transaction: the identities of these tests need none."""

    async def read(self, fn: Callable[[Any], T]) -> T:
        return fn(None)


class HandClock:
    """Stands still until a test moves it."""

    def __init__(self, at_ms: int = NOW_MS) -> None:
        self.at_ms = at_ms
        self.wall_ms = NOW_MS
        self._listeners: list[Callable[[], None]] = []

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep_until(self, due_ms: int) -> None:
        raise AssertionError("nothing sleeps here")

    def on_change(self, notify: Callable[[], None]) -> None:
        self._listeners.append(notify)

    def move(self, by_ms: int) -> None:
        self.at_ms += by_ms
        for notify in self._listeners:
            notify()


def authenticator(clock: HandClock | None = None, *, strict: bool = False, identities: KnownIdentities | None = None) -> Authenticator:
    """Its wall clock stands at NOW_MS unless a test moves `clock.wall_ms`."""
    clock = clock or HandClock()
    return Authenticator(
        NoStore(),  # type: ignore[arg-type]
        identities or KnownIdentities(),  # type: ignore[arg-type]
        clock,
        Config(strict=strict),
        wall=lambda: clock.wall_ms,
    )


def signed(
    signer: type[botocore.auth.SigV4Auth],
    method: str,
    url: str,
    *,
    key: AccessKey = KEYS["AKIAALICE"],
    service: str = "dynamodb",
    region: str = "us-east-1",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    at_ms: int = NOW_MS,
    secret: str | None = None,
    context: Mapping[str, Any] | None = None,
    **options: Any,
) -> Request:
    """A request as botocore would send it, signed at `at_ms`."""
    request = AWSRequest(method, url, headers=dict(headers or {}), data=body)
    request.context.update(context or {})
    credentials = Credentials(key.access_key, secret if secret is not None else key.secret_key, key.session_token or None)
    moment = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    with patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: moment.replace(tzinfo=None) if remove_tzinfo else moment):
        signer(credentials, service, region, **options).add_auth(request)
    return as_received(request, body)


def as_received(request: AWSRequest, body: bytes) -> Request:
    parts = urlsplit(request.url)
    sent = {name.lower(): _text(value) for name, value in request.headers.items()}
    sent.setdefault("host", parts.netloc)
    sent["content-length"] = str(len(body))
    return Request(request.method, parts.path, parts.query, sent, Body.of(body), body=body)


def streamed(request: Request, *pieces: bytes) -> Request:
    """The same request, its body arriving in pieces and not yet read."""

    async def arrive() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    request.body = None
    request.stream = Body(arrive(), sum(map(len, pieces)))
    return request


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
