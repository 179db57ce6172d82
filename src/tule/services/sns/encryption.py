"""Messages of topics with a key of KMS, encrypted until they are delivered, and while they are archived.

Who publishes needs the key; what delivers is the service itself, for which the key must only be there and enabled.  What is
sealed is the whole message, whatever the subscription's protocol.
AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from tule.access.principal import platform
from tule.core.ids import Ids
from tule.platform import encryption
from tule.platform.call import Call
from tule.platform.encryption import Holder, KeyRefused, Vault
from tule.platform.node import Node
from tule.services.sns import errors, message
from tule.services.sns.message import Message
from tule.services.sns.state.topics import Topic

_SERVICE = "sns.amazonaws.com"
_SEALED = "sealed"
_OPEN = ("id", "published_ms", "group")  # what deliveries are ordered by


async def vault(call: Call, topic: Topic) -> Vault | None:
    """What seals a caller's messages; None for topics without a key.  Raises KMSAccessDenied and its like."""
    key = topic.attributes.get("KmsMasterKeyId")
    if not key:
        return None
    arn = encryption.key_arn(key, topic.account, topic.region)
    holder = Holder(call.principal, _SERVICE, topic.region, arn, {"aws:sns:topicArn": topic.arn})
    try:
        found = await encryption.vault(call.node, holder)
        await encryption.unseal(call.node, call.principal, _SERVICE, topic.region, [found.seal(b"", call.node.ids)])
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.kind, refusal.message) from refusal
    return found


def sealed(into: Vault, sent: Message, ids: Ids) -> dict[str, Any]:
    """A message as it is kept."""
    whole = sent.whole()
    envelope = into.seal(orjson.dumps(whole), ids)
    return {**{name: whole[name] for name in _OPEN if name in whole}, _SEALED: base64.b64encode(envelope).decode()}


def is_sealed(document: Mapping[str, Any]) -> bool:
    return _SEALED in document


async def opened(node: Node, topic: Topic, document: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of a kept message, or what is kept where that is not sealed.  Raises KeyRefused."""
    if _SEALED not in document:
        return dict(document)
    envelope = base64.b64decode(document[_SEALED])
    texts = await encryption.unseal(node, platform(topic.account), _SERVICE, topic.region, [envelope])
    whole = orjson.loads(texts[0])
    return whole | {"replayed": True} if document.get("replayed") else whole


async def message_of(node: Node, topic: Topic, protocol: str, document: Mapping[str, Any]) -> Message:
    """The message as a subscription of this protocol gets it.  Raises KeyRefused."""
    if _SEALED not in document:
        return message.of(document)
    return message.of(message.of(await opened(node, topic, document)).document(protocol))
