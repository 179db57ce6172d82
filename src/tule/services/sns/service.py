"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.sns import access, deliveries, memory, pages, paths
from tule.services.sns.operations import applications, publishing, subscriptions, text_messages, topics
from tule.services.sns.resources import RESOURCE_TYPES


async def _reset(node: Node) -> None:
    memory.memory(node).forget()


_RECORDED = (
    "CreateTopic GetTopicAttributes SetTopicAttributes ListTopics AddPermission RemovePermission TagResource UntagResource"
    " ListTagsForResource Subscribe ConfirmSubscription Unsubscribe GetSubscriptionAttributes SetSubscriptionAttributes Publish"
    " PublishBatch CreatePlatformApplication GetPlatformApplicationAttributes SetPlatformApplicationAttributes"
    " DeletePlatformApplication CreatePlatformEndpoint GetEndpointAttributes SetEndpointAttributes DeleteEndpoint"
    " ListEndpointsByPlatformApplication GetSMSAttributes SetSMSAttributes CheckIfPhoneNumberIsOptedOut OptInPhoneNumber"
)

SERVICE = Service(
    "sns",
    operations=operations_in(topics, subscriptions, publishing, applications, text_messages),
    needs=access.NEEDS,
    remembered_needs=access.REMEMBERED_NEEDS,
    anonymous=frozenset({"ConfirmSubscription", "Unsubscribe"}),
    deliver=deliveries.deliver,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
    recorded=frozenset(_RECORDED.split()),
    pages={paths.CERTIFICATES: pages.certificate, paths.OPT_OUT: pages.opt_out},
)
