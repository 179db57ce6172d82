"""What subscribers get: the notification as JSON, the event of a function, confirmations.

AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson

from tule.core.clock import iso8601
from tule.services.sns.message import Attributes, Message
from tule.services.sns.signing import Signer
from tule.services.sns.state.subscriptions import Subscription

Document = dict[str, Any]


def notification(message: Message, subscription: Subscription, signer: Signer | None, version: str, base: str) -> Document:
    """Members in AWS's order.  Messages of FIFO topics have a sequence number and, with no `signer`, no signature."""
    topic = subscription.topic_arn
    found: Document = {"Type": "Notification", "MessageId": message.id}
    if message.sequence_number:
        found["SequenceNumber"] = message.sequence_number
    found["TopicArn"] = topic
    if message.subject is not None:
        found["Subject"] = message.subject
    found["Message"] = message.text
    found["Timestamp"] = iso8601(message.published_ms)
    if signer is not None:
        found["SignatureVersion"] = version
        found["Signature"] = signer.sign(found, version)
        found["SigningCertURL"] = signer.certificate_url(base)
    found["UnsubscribeURL"] = unsubscribe_url(base, subscription.arn)
    if message.replayed:
        found["Replayed"] = "true"
    if message.attributes:
        found["MessageAttributes"] = _attributes(message.attributes)
    return found


def _attributes(attributes: Attributes) -> Document:
    return {
        name: {"Type": attribute["DataType"], "Value": attribute.get("StringValue", attribute.get("BinaryValue"))}
        for name, attribute in attributes.items()
    }


def function_event(document: Document, subscription_arn: str) -> str:
    """The event that a subscribed function gets: the notification under slightly other names, with nothing left out."""
    message = {
        "Type": document["Type"],
        "MessageId": document["MessageId"],
        "TopicArn": document["TopicArn"],
        "Subject": document.get("Subject"),
        "Message": document["Message"],
        "Timestamp": document["Timestamp"],
        "SignatureVersion": document["SignatureVersion"],
        "Signature": document["Signature"],
        "SigningCertUrl": document["SigningCertURL"],
    }
    if document["Type"] == "Notification":
        message["UnsubscribeUrl"] = document["UnsubscribeURL"]
        message["MessageAttributes"] = document.get("MessageAttributes", {})
    else:
        message["SubscribeUrl"], message["Token"] = document["SubscribeURL"], document["Token"]
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription_arn, "Sns": message}
    return orjson.dumps({"Records": [record]}).decode()


def confirmation(kind: str, message_id: str, token: str, subscription: Subscription, at_ms: int, signer: Signer, version: str, base: str) -> Document:
    """`kind` is `SubscriptionConfirmation` or `UnsubscribeConfirmation`; either one's URL subscribes."""
    topic_arn = subscription.topic_arn
    if kind == "SubscriptionConfirmation":
        text = (
            f"You have chosen to subscribe to the topic {topic_arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message."
        )
    else:
        text = (
            f"You have chosen to deactivate subscription {subscription.arn}.\n"
            "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
        )
    found: Document = {
        "Type": kind,
        "MessageId": message_id,
        "Token": token,
        "TopicArn": topic_arn,
        "Message": text,
        "SubscribeURL": f"{base}/?Action=ConfirmSubscription&TopicArn={quote(topic_arn, safe=':')}&Token={token}",
        "Timestamp": iso8601(at_ms),
        "SignatureVersion": version,
    }
    found["Signature"] = signer.sign(found, version)
    found["SigningCertURL"] = signer.certificate_url(base)
    return found


def unsubscribe_url(base: str, subscription_arn: str) -> str:
    return f"{base}/?Action=Unsubscribe&SubscriptionArn={quote(subscription_arn, safe=':')}"


def pretty(document: Document) -> str:
    """As SNS writes it to HTTP endpoints and queues: two spaces, and one on either side of the colon."""
    lines = (f"  {orjson.dumps(name).decode()} : {_value(value)}" for name, value in document.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _value(value: Any) -> str:
    if not isinstance(value, dict):
        return orjson.dumps(value).decode()
    entries = (
        f'    {orjson.dumps(name).decode()} : {{"Type":{_json(entry["Type"])},"Value":{_json(entry["Value"])}}}' for name, entry in value.items()
    )
    return "{\n" + ",\n".join(entries) + "\n  }"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
