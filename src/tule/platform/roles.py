"""Roles that services assume to act for somebody: a function's, a rule's target's, a schedule's, a pipe's.

A session is kept in memory and renewed before it is old, so that a delivery costs no call to STS.  Only the right to
assume the role is that old: what the role may do is asked anew with every call.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tule.access.principal import Principal, aws_service

if TYPE_CHECKING:
    from tule.platform.node import Node

SESSION_S = 3600
RENEW_BEFORE_MS = 30 * 60 * 1000  # twice the longest invocation: no credentials expire under a running function


@dataclass(slots=True, frozen=True)
class RoleCredentials:
    """What signs calls from outside the node, such as those of a function."""

    access_key: str
    secret_key: str
    session_token: str
    expires_ms: int


@dataclass(slots=True, frozen=True)
class RoleSession:
    """`principal` is for calls through the dispatcher, `credentials` for whoever signs them."""

    credentials: RoleCredentials
    principal: Principal


class _Key(NamedTuple):
    service: str
    account: str
    role: str
    session_name: str


class Roles:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._sessions: dict[_Key, RoleSession] = {}
        self._assuming: dict[_Key, asyncio.Task[RoleSession]] = {}

    def current(self, role: str, *, service: str, account: str, session_name: str) -> RoleSession | None:
        """The session at hand, without waiting; None when there is none that is young enough."""
        session = self._sessions.get(_Key(service, account, role, session_name))
        if session is None or session.credentials.expires_ms - self._node.clock.now_ms() < RENEW_BEFORE_MS:
            return None
        return session

    async def session(self, role: str, *, service: str, account: str, region: str, session_name: str, source_arn: str = "") -> RoleSession:
        """The role's session of `service` (`pipes.amazonaws.com`), which acts for `account`.

        Raises AccessDenied when the role's trust policy does not let the service in, or there is no such role.
        """
        session = self.current(role, service=service, account=account, session_name=session_name)
        if session is not None:
            return session
        return await self.assume(role, service=service, account=account, region=region, session_name=session_name, source_arn=source_arn)

    async def assume(self, role: str, *, service: str, account: str, region: str, session_name: str, source_arn: str = "") -> RoleSession:
        """A fresh session, whatever is at hand; those who ask at once share one.  Raises as `session` does."""
        key = _Key(service, account, role, session_name)
        task = self._assuming.get(key)
        if task is None:
            task = asyncio.create_task(self._assume(key, region, source_arn))
            self._assuming[key] = task
            task.add_done_callback(lambda _: self._assuming.pop(key, None))
        session = await asyncio.shield(task)
        self._sessions[key] = session
        return session

    async def _assume(self, key: _Key, region: str, source_arn: str) -> RoleSession:
        answer = await self._node.dispatcher.invoke(
            "sts",
            "AssumeRole",
            {"RoleArn": key.role, "RoleSessionName": key.session_name, "DurationSeconds": SESSION_S},
            principal=aws_service(key.service, key.account, source_arn),
            region=region,
        )
        given, user = answer["Credentials"], answer["AssumedRoleUser"]
        credentials = RoleCredentials(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], expires_ms=int(given["Expiration"] * 1000)
        )
        principal = Principal(
            "role",
            key.role.split(":")[4],
            user["Arn"],
            entity_arn=key.role,
            user_id=user["AssumedRoleId"],
            access_key=credentials.access_key,
            session_name=key.session_name,
            token_issued_ms=self._node.clock.now_ms(),
        )
        return RoleSession(credentials, principal)

    def forget(self) -> None:
        """After a reset."""
        self._sessions.clear()
