"""Amazon Resource Names.  AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""

from __future__ import annotations

from typing import NamedTuple


class Arn(NamedTuple):
    """`arn:partition:service:region:account:resource`; the resource keeps its own slashes and colons."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """`function` of `function:name`, `role` of `role/path/name`; empty where the resource has no type."""
        for i, char in enumerate(self.resource):
            if char in ":/":
                return self.resource[:i]
        return ""

    @property
    def resource_id(self) -> str:
        """What follows the type: `name` of `function:name`."""
        kind = self.resource_type
        return self.resource[len(kind) + 1 :] if kind else self.resource


def parse(text: str) -> Arn:
    """Raises ValueError when `text` is not an ARN."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        raise ValueError(f"not an ARN: {text!r}")
    return Arn(*parts[1:])


def is_arn(text: str) -> bool:
    return text.startswith("arn:") and text.count(":") >= 5


def partition_of(region: str) -> str:
    """`aws`, `aws-cn` or `aws-us-gov`, by the region's name."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def arn(service: str, region: str, account: str, resource: str) -> str:
    """The text of an ARN in the region's partition; global services pass an empty region."""
    return f"arn:{partition_of(region)}:{service}:{region}:{account}:{resource}"
