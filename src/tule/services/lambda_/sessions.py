"""The roles of functions, assumed by Lambda: one session for each role and function, kept until it is old.

AWS: Lambda developer guide, execution role.  The session's name is the function's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from tule.access.principal import Principal, aws_service
from tule.compute.compute import Credentials
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.lambda_ import errors
from tule.services.lambda_.names import FunctionRef

LAMBDA = "lambda.amazonaws.com"
SESSION_S = 3600
RENEW_BEFORE_MS = 30 * 60 * 1000  # twice the longest invocation: no credentials expire under a running function


class _Key(NamedTuple):
    account: str
    role: str
    session_name: str


@dataclass(slots=True, frozen=True)
class RoleSession:
    credentials: Credentials
    principal: Principal


def session_name(ref: FunctionRef) -> str:
    """The function's name; STS takes none of a single character."""
    return ref.name if len(ref.name) > 1 else f"{ref.name}-"


class RoleSessions:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._sessions: dict[_Key, RoleSession] = {}
        self._assuming: dict[_Key, asyncio.Task[RoleSession]] = {}

    def current(self, ref: FunctionRef, role: str) -> RoleSession | None:
        """The session at hand, without waiting; None when there is none that is young enough."""
        session = self._sessions.get(_Key(ref.account, role, ref.name))
        if session is None or session.credentials.expires_ms - self._node.clock.now_ms() < RENEW_BEFORE_MS:
            return None
        return session

    async def of(self, ref: FunctionRef, role: str) -> RoleSession:
        """Raises InvalidParameterValueException when Lambda may not assume the role, or it does not exist."""
        session = self.current(ref, role)
        return session if session is not None else await self.assume(ref, role)

    async def assume(self, ref: FunctionRef, role: str) -> RoleSession:
        """A fresh session; those who ask at once share one."""
        key = _Key(ref.account, role, ref.name)
        task = self._assuming.get(key)
        if task is None:
            task = asyncio.create_task(self._assume(ref, role))
            self._assuming[key] = task
            task.add_done_callback(lambda _: self._assuming.pop(key, None))
        session = await asyncio.shield(task)
        self._sessions[key] = session
        return session

    async def _assume(self, ref: FunctionRef, role: str) -> RoleSession:
        try:
            answer = await self._node.dispatcher.invoke(
                "sts",
                "AssumeRole",
                {"RoleArn": role, "RoleSessionName": session_name(ref), "DurationSeconds": SESSION_S},
                principal=aws_service(LAMBDA, ref.account, ref.arn),
                region=ref.region,
            )
        except ServiceError as error:
            if error.code not in ("AccessDenied", "AccessDeniedException"):
                raise
            raise errors.role_not_assumable() from error
        given, user = answer["Credentials"], answer["AssumedRoleUser"]
        credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], expires_ms=int(given["Expiration"] * 1000))
        principal = Principal(
            "role",
            role.split(":")[4],
            user["Arn"],
            entity_arn=role,
            user_id=user["AssumedRoleId"],
            access_key=credentials.access_key,
            session_name=session_name(ref),
            token_issued_ms=self._node.clock.now_ms(),
        )
        return RoleSession(credentials, principal)

    def forget(self) -> None:
        self._sessions.clear()
