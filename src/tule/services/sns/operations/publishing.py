"""Publishing to topics, telephones and mobile applications.  AWS: SNS API reference, Publish, PublishBatch."""

from __future__ import annotations

import re
from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.encryption import Vault
from tule.services.sns import audits, data_protection, encryption, errors, fanout, message, metrics, mobile, names, pump, sms
from tule.services.sns.data_protection import Denied
from tule.services.sns.memory import KnownTopic, known_topic, remembered_topic
from tule.services.sns.message import Message
from tule.store.store import Tx

_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]+")
_MAX_ENTRIES = 10
_MAX_ENTRY_ID = 80

Params = dict[str, Any]


async def publish(call: Call, params: Params) -> dict[str, Any]:
    vault = await _vault(call, params.get("TopicArn") or params.get("TargetArn"))
    return await call.node.store.write(lambda tx: _publish(call, tx, params, vault))


async def _vault(call: Call, arn: str | None) -> Vault | None:
    """What seals messages to a topic with a key of KMS."""
    known = await remembered_topic(call.node, arn) if arn else None
    return None if known is None else await encryption.vault(call, known.topic)


def _publish(call: Call, tx: Tx, params: Params, vault: Vault | None) -> dict[str, Any]:
    target = params.get("TopicArn") or params.get("TargetArn")
    phone = params.get("PhoneNumber")
    if phone is not None and not target:
        return _to_phone(call, tx, phone, params)
    if not target:
        raise errors.invalid_reason("TopicArn or TargetArn", "no value for required parameter")
    if ":endpoint/" in target:
        return _to_endpoint(call, tx, target, params)
    known = _topic(call, tx, target, "TopicArn" if params.get("TopicArn") else "TargetArn")
    sent = _new(call, tx, known, params)
    return _accepted(call, tx, known, sent, vault, message.size(params))


def _new(call: Call, tx: Tx, known: KnownTopic, params: Params) -> Message:
    """Raises AuthorizationError for what the topic's data protection policy denies, besides what is no message."""
    id, given = tx.ids.uuid(), params
    if known.protection is not None:
        try:
            given = {**params, "Message": data_protection.taken_in(known.protection, call.principal, params["Message"])}
        except Denied as denied:
            raise errors.sensitive_data() from denied
        audits.record(tx, known.topic, known.protection, call.principal, id, params["Message"])
    sent = message.new(given, id, tx.now_ms, known.topic.max_message_bytes)
    message.order(known.topic, sent, given)
    return sent


def _topic(call: Call, tx: Tx, arn: str, parameter: str) -> KnownTopic:
    names.topic(arn, call.region, parameter)
    known = known_topic(call.node, tx, arn)
    if known is None:
        raise errors.no_topic()
    return known


def _accepted(call: Call, tx: Tx, known: KnownTopic, sent: Message, vault: Vault | None, size: int) -> dict[str, Any]:
    taken = fanout.accept(tx, known, sent, call.trace, pump.put, vault)
    tx.after_commit(lambda: metrics.published(call.node, known.topic.arn, size, taken.filtered_out))
    return _answer(taken)


def _answer(sent: Message) -> dict[str, Any]:
    return {"MessageId": sent.id, "SequenceNumber": sent.sequence_number or None}


def _to_phone(call: Call, tx: Tx, phone: str, params: Params) -> dict[str, Any]:
    sent = message.new(params, tx.ids.uuid(), tx.now_ms)
    sms.send(tx, call.account, call.region, phone, sent)
    return {"MessageId": sent.id}


def _to_endpoint(call: Call, tx: Tx, arn: str, params: Params) -> dict[str, Any]:
    names.endpoint(arn, "TargetArn")
    sent = message.new(params, tx.ids.uuid(), tx.now_ms)
    mobile.push(tx, arn, sent)
    return {"MessageId": sent.id}


async def publish_batch(call: Call, params: Params) -> dict[str, Any]:
    vault = await _vault(call, params["TopicArn"])
    return await call.node.store.write(lambda tx: _publish_batch(call, tx, params, vault))


def _publish_batch(call: Call, tx: Tx, params: Params, vault: Vault | None) -> dict[str, Any]:
    entries: list[Params] = params["PublishBatchRequestEntries"]
    if not entries:
        raise errors.empty_batch()
    known = _topic(call, tx, params["TopicArn"], "TopicArn")
    _check_batch(entries, known.topic.max_message_bytes)
    if known.topic.is_fifo and any(not entry.get("MessageGroupId") for entry in entries):
        raise errors.invalid_parameter("The MessageGroupId parameter is required for FIFO topics")
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            sent = _new(call, tx, known, entry)
        except ServiceError as error:
            failed.append({"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": error.status < 500})
            continue
        successful.append({"Id": entry["Id"], **_accepted(call, tx, known, sent, vault, message.size(entry))})
    return {"Successful": successful, "Failed": failed}


def _check_batch(entries: list[Params], max_bytes: int) -> None:
    if len(entries) > _MAX_ENTRIES:
        raise errors.too_many_entries()
    ids = [entry["Id"] for entry in entries]
    for id in ids:
        if len(id) > _MAX_ENTRY_ID:
            raise errors.entry_id_too_long(id)
        if _ENTRY_ID.fullmatch(id) is None:
            raise errors.entry_id_impermissible(id)
    if len(set(ids)) != len(ids):
        raise errors.entry_ids_not_distinct()
    if sum(map(message.size, entries)) > max_bytes:
        raise errors.batch_too_long()
