"""Steps 4 to 6: validate (for calls between services), authorize, operate."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tule.access.principal import Principal
from tule.core.errors import ServiceError, not_implemented
from tule.platform.call import Call
from tule.platform.service import Need, Needs, Operation, Service

if TYPE_CHECKING:
    from tule.access.actions import Actions
    from tule.access.authorize import Authorizer
    from tule.platform.node import Node
    from tule.store.store import Tx
    from tule.wire.models import Models


class NodeDispatcher:
    def __init__(self, node: Node, models: Models, authorizer: Authorizer, actions: Actions) -> None:
        self._node = node
        self._models = models
        self._authorizer = authorizer
        self._actions = actions

    async def invoke(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        principal: Principal,
        region: str,
        account: str | None = None,
        trace: str | None = None,
        endpoint: str | None = None,
        source_ip: str = "127.0.0.1",
        is_repeated: bool = False,
    ) -> dict[str, Any]:
        node = self._node
        checked = dict(params)
        self._models.operation(service, operation).validate(checked)
        call = Call(
            node=node,
            id=node.ids.uuid(),
            now_ms=node.clock.now_ms(),
            principal=principal,
            account=account or principal.account,
            region=region,
            service=service,
            operation=operation,
            endpoint=endpoint or f"http://{node.config.host}:{node.config.port}",
            source_ip=source_ip,
            trace=trace,
            is_repeated=is_repeated,
        )
        return await self.run(call, checked)

    async def run(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        service = self._node.services.get(call.service)
        operation = service.operations.get(call.operation) if service is not None else None
        if service is None or operation is None:
            raise not_implemented(call.service, call.operation)
        if (counted := service.counted) is None:
            return await self._run(service, operation, call, params)
        started = time.perf_counter()
        try:
            answer = await self._run(service, operation, call, params)
        except ServiceError as error:
            counted(call, params, None, error, time.perf_counter() - started)
            raise
        counted(call, params, answer, None, time.perf_counter() - started)
        return answer

    async def _run(self, service: Service, operation: Operation, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        needs = service.needs.get(call.operation)
        if operation.is_read and needs is not None and not call.principal.trusted:
            return await self._read(needs, operation, call, params)
        if (remembered := service.remembered_needs.get(call.operation)) is None:
            await self._authorize(needs, call, params)
        elif not call.principal.trusted:
            await self._authorizer.authorize(call, await remembered(call, params))
        return await self._operate(operation, call, params)

    async def _read(self, needs: Needs, operation: Operation, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """One transaction for what the call needs and for its answer.  A read changes nothing, so it may be done before it is
        known to be allowed; what came of it is told only then.  Where it is not all that the answer takes (a key that another
        service has), it gives a coroutine function that completes it."""

        def both(tx: Tx) -> tuple[Sequence[Need], Any, ServiceError | None]:
            needed = needs(call, tx, params)
            try:
                return needed, operation.run(call, tx, params) or {}, None
            except ServiceError as error:
                return needed, {}, error

        needed, answer, error = await self._node.store.read(both)
        await self._authorizer.authorize(call, needed)
        if error is not None:
            raise error
        return await _completed(answer)

    async def _authorize(self, needs: Needs | None, call: Call, params: dict[str, Any]) -> None:
        principal = call.principal
        if principal.trusted:
            return
        needed: Sequence[Need]
        if needs is not None:
            needed = await self._node.store.read(lambda tx: needs(call, tx, params))
        elif principal.kind == "root":
            return  # no resource has a policy of its own here, and nothing else can deny the account's root
        else:
            needed = self._actions.needs(call.service, call.operation, params, call.account, call.region)
        await self._authorizer.authorize(call, needed)

    async def _operate(self, operation: Operation, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        run = operation.run
        if operation.is_coroutine:
            return await run(call, params) or {}
        if operation.is_read:
            answer: Any = await self._node.store.read(lambda tx: run(call, tx, params)) or {}
            return await _completed(answer)
        return await self._node.store.write(lambda tx: run(call, tx, params)) or {}


async def _completed(answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else await answer()
