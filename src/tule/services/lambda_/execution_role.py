"""A function runs with the credentials of its execution role.  AWS: Lambda developer guide, execution role."""

from __future__ import annotations

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.platform.roles import RoleSession
from tule.services.lambda_ import errors
from tule.services.lambda_.names import FunctionRef

LAMBDA = "lambda.amazonaws.com"


def session_name(ref: FunctionRef) -> str:
    """The function's name; STS takes none of a single character."""
    return ref.name if len(ref.name) > 1 else f"{ref.name}-"


def current(node: Node, ref: FunctionRef, role: str) -> RoleSession | None:
    """The session at hand, without waiting; None when there is none that is young enough."""
    return node.roles.current(role, service=LAMBDA, account=ref.account, session_name=session_name(ref))


async def session(node: Node, ref: FunctionRef, role: str) -> RoleSession:
    """Raises InvalidParameterValueException when Lambda may not assume the role, or it does not exist."""
    return current(node, ref, role) or await assume(node, ref, role)


async def assume(node: Node, ref: FunctionRef, role: str) -> RoleSession:
    """A fresh session.  Raises as `session` does."""
    try:
        return await node.roles.assume(
            role, service=LAMBDA, account=ref.account, region=ref.region, session_name=session_name(ref), source_arn=ref.arn
        )
    except ServiceError as error:
        if error.code not in ("AccessDenied", "AccessDeniedException"):
            raise
        raise errors.role_not_assumable() from error
