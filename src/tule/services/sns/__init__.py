"""Amazon SNS: topics and their subscribers.  AWS: https://docs.aws.amazon.com/sns/latest/api/welcome.html

Standard and FIFO topics; subscriptions of all protocols with filter policies, retries and dead letters; archives and replays;
mobile applications and text messages, which are kept and can be looked at (`pages.py`), as e-mail is (`platform/mailbox.py`).
Known to differ: data protection policies are kept, and mask nothing; KMS keys are kept and shown, and encrypt nothing; no
account is in the SMS sandbox; filter policies hold at once, not within fifteen minutes.
"""

from __future__ import annotations

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.sns import access, deliveries, memory, pages, signing, state
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
    schema=state.SCHEMA,
    deliver=deliveries.deliver,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
    recorded=frozenset(_RECORDED.split()),
    pages={signing.PATH: pages.certificate, pages.OPT_OUT: pages.opt_out},
)
