"""Queue URLs: `http://host/account/name`.

Whatever the host, the path says whose queue it is and how it is called; a host that names a region
(`sqs.eu-west-1.amazonaws.com`, `eu-west-1.queue.amazonaws.com`, the same under `localhost`) says where it is.
AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tule.core import arn as arns
from tule.server.hosts import meaning
from tule.services.sqs import errors


class QueueKey(NamedTuple):
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return arns.arn("sqs", self.region, self.account, self.name)


def key_of_arn(arn: str) -> QueueKey | None:
    """None for what is no queue's ARN."""
    if not arns.is_arn(arn):
        return None
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "sqs" or not parts[5]:
        return None
    return QueueKey(parts[4], parts[3], parts[5])


def url_of(endpoint: str, key: QueueKey) -> str:
    return f"{endpoint}/{key.account}/{key.name}"


@lru_cache(maxsize=8192)
def parse(url: str, account: str, region: str) -> QueueKey:
    """The queue that a client names; `account` and `region` are the call's own, for what the URL leaves out.

    Raises InvalidAddress.
    """
    if url and "/" not in url:
        return QueueKey(account, region, url)
    parts = urlsplit(url if "://" in url else f"//{url}" if not url.startswith("/") else url)
    path = [part for part in parts.path.split("/") if part]
    if path and path[0] == "queue":  # a path style of local servers: /queue/<region>/<account>/<name>
        path, region = path[2:], path[1] if len(path) > 1 else region
    if len(path) == 1:
        path = [account, path[0]]
    if len(path) != 2 or not (len(path[0]) == 12 and path[0].isdigit()):
        raise errors.invalid_address(url)
    return QueueKey(path[0], meaning(parts.netloc).region or region, unquote(path[1]))
