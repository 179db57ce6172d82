"""Whether somebody could make a call, found out without making it: for what is checked ahead, such as a pipe's role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tule.access.need import Need
from tule.access.principal import Principal
from tule.core.errors import not_implemented
from tule.platform.call import Call

if TYPE_CHECKING:
    from tule.platform.node import Node
    from tule.store.store import Tx


async def may(node: Node, principal: Principal, service: str, operation: str, params: Mapping[str, Any], *, region: str, account: str = "") -> bool:
    """Raises ServiceError where finding out fails: the resource is not there, the service is not built."""
    asked = Call(
        node=node,
        id=node.ids.uuid(),
        now_ms=node.clock.now_ms(),
        principal=principal,
        account=account or principal.account,
        region=region,
        service=service,
        operation=operation,
    )
    for need in await _needs(asked, dict(params)):
        if not (await node.authorizer.decide(asked, need)).allowed:
            return False
    return True


async def _needs(asked: Call, params: dict[str, Any]) -> Sequence[Need]:
    service = asked.node.services.get(asked.service)
    if service is None:
        raise not_implemented(asked.service)
    remembered = service.remembered_needs.get(asked.operation)
    if remembered is not None:
        return await remembered(asked, params)
    needs = service.needs.get(asked.operation)
    if needs is None:
        return asked.node.authorizer.actions.needs(asked.service, asked.operation, params, asked.account, asked.region)

    def read(tx: Tx) -> Sequence[Need]:
        return needs(asked, tx, params)

    return await asked.node.store.read(read)
