"""The pollers of all mappings, and the states that a mapping passes through.

A mapping that was created, enabled or updated is `Enabled` once its poller has been told; one that was disabled or deleted is
`Disabled`, or gone, once its poller has ended what it had begun.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from tule.core.errors import ServiceError
from tule.platform.encryption import KeyRefused
from tule.platform.node import Node
from tule.pollers import checkpoints
from tule.pollers.contract import Reader, Source
from tule.pollers.pollers import Pollers
from tule.services.lambda_ import state as functions_state
from tule.services.lambda_.mappings import sealed_criteria, state
from tule.services.lambda_.mappings.filter_criteria import filters_of
from tule.services.lambda_.mappings.kinds import kind_of
from tule.services.lambda_.mappings.reading import MappingReader
from tule.store.store import Tx

log = logging.getLogger("tule.lambda")

AGAIN_S = 30.0  # after KMS refused to decrypt

_BEGINNING = ("Creating", "Enabling", "Updating")
_READ = ("Creating", "Enabling", "Updating", "Enabled")
_IN_PASSING = (*_BEGINNING, "Disabling", "Deleting")


class Fleet:
    def __init__(self, node: Node) -> None:
        self._node = node
        self.pollers = Pollers(node, "lambda", [state.CHANGED, functions_state.CHANGED], self._wanted, self._reader, self._kept, self._complete)

    def _wanted(self, tx: Tx) -> Sequence[Source]:
        """Mappings that are enabled and whose function is there."""
        sources: list[Source] = []
        for account, region, uuid, mapping in state.everywhere(tx):
            ref = state.function_ref(account, region, mapping)
            if mapping["shown"]["State"] not in _READ or functions_state.find_function(tx, ref) is None:
                continue
            try:
                sources.append(source_of(account, region, uuid, mapping))
            except ServiceError:
                log.exception("The mapping %s cannot be read for; the others are.", uuid)
        return sources

    async def _complete(self, sources: Sequence[Source]) -> Sequence[Source]:
        """Those whose filter criteria are there or can be decrypted; for the others it is tried again later."""
        found = [await self._opened(source) for source in sources]
        if None in found:
            asyncio.get_running_loop().call_later(AGAIN_S, self.pollers.look_again)
        return [source for source in found if source is not None]

    async def _opened(self, source: Source) -> Source | None:
        mapping = cast("dict[str, Any]", source.described)
        if (sealed := mapping.get("sealed")) is None:
            return source
        try:
            criteria = await sealed_criteria.for_polling(self._node, source.account, source.region, source.reader, sealed)
        except KeyRefused as refusal:
            uuid: str = mapping["shown"]["UUID"]
            problem = f"Lambda cannot decrypt the filter criteria. {refusal.message}"
            await self._node.store.write(lambda tx: state.put_result(tx, source.account, source.region, uuid, problem))
            return None
        return replace(source, filters=filters_of(kind_of(mapping["shown"]), criteria))

    def _reader(self, source: Source) -> Reader:
        return MappingReader(self._node, source.account, source.region, cast("dict[str, Any]", source.described))

    async def _kept(self, running: set[str]) -> None:
        if await self._node.store.read(lambda tx: any(_moves(*found, running) for found in state.everywhere(tx))):
            await self._node.store.write(lambda tx: _move_all(tx, running))


def _moves(account: str, region: str, uuid: str, mapping: dict[str, Any], running: set[str]) -> bool:
    """Whether a mapping's state is to change, as its poller is running or not."""
    now = mapping["shown"]["State"]
    return now in _BEGINNING or (now in _IN_PASSING and state.arn(account, region, uuid) not in running)


def _move_all(tx: Tx, running: set[str]) -> None:
    for account, region, uuid, mapping in state.everywhere(tx):
        if not _moves(account, region, uuid, mapping, running):
            continue
        if mapping["shown"]["State"] == "Deleting":
            state.delete(tx, account, region, uuid)
            checkpoints.forget(tx, state.arn(account, region, uuid))
            continue
        mapping["shown"] |= {"State": "Enabled" if mapping["enabled"] else "Disabled", "LastModified": tx.now_ms / 1000}
        state.put(tx, account, region, mapping)


def source_of(account: str, region: str, uuid: str, mapping: dict[str, Any]) -> Source:
    shown = mapping["shown"]
    age_s = shown.get("MaximumRecordAgeInSeconds", -1)
    position = shown.get("StartingPosition", "TRIM_HORIZON")
    provisioned = shown.get("ProvisionedPollerConfig")
    since_ms = int(shown["StartingPositionTimestamp"] * 1000) if position == "AT_TIMESTAMP" else mapping["created_ms"]
    return Source(
        arn=shown["EventSourceArn"],
        reader=state.arn(account, region, uuid),
        account=account,
        region=region,
        batch_size=shown["BatchSize"],
        window_ms=shown["MaximumBatchingWindowInSeconds"] * 1000,
        filters=filters_of(kind_of(shown), shown.get("FilterCriteria")),
        revision=mapping["revision"],
        described=mapping,
        max_concurrency=shown.get("ScalingConfig", {}).get("MaximumConcurrency"),
        pollers=(provisioned["MinimumPollers"], provisioned["MaximumPollers"]) if provisioned else None,
        position=position,
        since_ms=since_ms,
        lanes=shown.get("ParallelizationFactor", 1),
        tumbling_ms=shown.get("TumblingWindowInSeconds", 0) * 1000,
        bisect=shown.get("BisectBatchOnFunctionError", False),
        max_retries=shown.get("MaximumRetryAttempts", -1),
        max_age_ms=age_s if age_s < 0 else age_s * 1000,
    )


def fleet(node: Node) -> Fleet:
    found = node.memory.get("lambda.mappings")
    if found is None:
        found = node.memory["lambda.mappings"] = Fleet(node)
    return cast(Fleet, found)
