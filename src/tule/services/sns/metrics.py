"""What SNS counts for CloudWatch, by topic.  AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html"""

from __future__ import annotations

from tule.core import arn as arns
from tule.platform.node import Node

NAMESPACE = "AWS/SNS"
BY_ATTEMPT = ("http", "https")  # whose failures count with each attempt; others' when they are given up


def published(node: Node, topic_arn: str, size: int, filtered_out: int) -> None:
    count(node, topic_arn, "NumberOfMessagesPublished", 1)
    count(node, topic_arn, "PublishSize", size, "Bytes")
    if filtered_out:
        count(node, topic_arn, "NumberOfNotificationsFilteredOut", filtered_out)


def delivered(node: Node, topic_arn: str, notifications: int = 1) -> None:
    if notifications:
        count(node, topic_arn, "NumberOfNotificationsDelivered", notifications)


def failed(node: Node, topic_arn: str, protocol: str, *, given_up: bool) -> None:
    """An attempt did not work; `given_up`: there is no other."""
    if given_up or protocol in BY_ATTEMPT:
        count(node, topic_arn, "NumberOfNotificationsFailed", 1)


def count(node: Node, topic_arn: str, name: str, value: float, unit: str = "Count") -> None:
    topic = arns.parse(topic_arn)
    node.meter.add(topic.account, topic.region, NAMESPACE, name, (("TopicName", topic.resource),), value, unit)
