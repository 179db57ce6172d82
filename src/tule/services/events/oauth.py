"""Tokens of OAuth connections: fetched with the client's credentials, kept in memory until shortly before they expire.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from tule.platform.node import Node
from tule.platform.outgoing import Answer, OutgoingFailed
from tule.services.events.http_parameters import pairs, with_query

_RENEW_BEFORE_S = 60
_DEFAULT_LIFE_S = 3_600
_FORM = "application/x-www-form-urlencoded"


class NoToken(Exception):
    """The authorization endpoint gave none.  The text says why; `may_pass` whether it may later."""

    def __init__(self, why: str, *, may_pass: bool) -> None:
        super().__init__(why)
        self.may_pass = may_pass


class _Token(NamedTuple):
    header: str
    until_ms: int


class Tokens:
    """One for each node.  A token is found by its connection's secret, which every change of the connection renews."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._tokens: dict[str, _Token] = {}

    async def header(self, secret: str, oauth: Mapping[str, Any], *, fresh: bool = False) -> str:
        """The Authorization header's value.  `fresh`: the one at hand was refused.  Raises NoToken."""
        token = self._tokens.get(secret)
        if fresh or token is None or token.until_ms <= self._node.clock.now_ms():
            token = self._tokens[secret] = await self._fetch(oauth)
        return token.header

    def forget(self) -> None:
        self._tokens.clear()

    async def _fetch(self, oauth: Mapping[str, Any]) -> _Token:
        extra: Mapping[str, Any] = oauth.get("OAuthHttpParameters", {})
        client: Mapping[str, str] = oauth["ClientParameters"]
        method: str = oauth["HttpMethod"]
        basic = base64.b64encode(f"{client['ClientID']}:{client['ClientSecret']}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": _FORM, "Accept": "application/json", **pairs(extra.get("HeaderParameters"))}
        form = {
            "grant_type": "client_credentials",
            "client_id": client["ClientID"],
            "client_secret": client["ClientSecret"],
            **pairs(extra.get("BodyParameters")),
        }
        query = pairs(extra.get("QueryStringParameters"))
        url = with_query(oauth["AuthorizationEndpoint"], {**form, **query} if method == "GET" else query)
        body = b"" if method == "GET" else urlencode(form).encode()
        try:
            answer = await self._node.outgoing.request(method, url, headers, body)
        except OutgoingFailed as error:
            raise NoToken(str(error), may_pass=True) from error
        return self._token(answer)

    def _token(self, answer: Answer) -> _Token:
        if answer.status // 100 != 2:
            raise NoToken(f"The authorization endpoint answered {answer.status}.", may_pass=answer.status >= 500 or answer.status == 429)
        try:
            given = orjson.loads(answer.body)
            life_s = float(given.get("expires_in") or _DEFAULT_LIFE_S)
            header = f"Bearer {given['access_token']}"
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoToken("The authorization endpoint did not answer with an access token.", may_pass=False) from error
        return _Token(header, self._node.clock.now_ms() + int(max(0.0, life_s - _RENEW_BEFORE_S) * 1000))
