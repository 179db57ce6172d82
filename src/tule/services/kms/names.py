"""How a call names a key: by its id, its ARN, an alias, or an alias's ARN.  AWS: KMS developer guide, "Key identifiers"."""

from __future__ import annotations

import re
from typing import NamedTuple

from tule.core import arn as arns
from tule.services.kms import errors

_KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z|mrk-[0-9a-f]{32}\Z")
ALIAS = "alias/"
MANAGED = "alias/aws/"


class Ref(NamedTuple):
    """`id` is a key's id, or an alias's whole name (`alias/...`)."""

    account: str
    region: str
    id: str

    @property
    def is_alias(self) -> bool:
        return self.id.startswith(ALIAS)


def parse(text: str, account: str, region: str) -> Ref:
    """What `text` names for a caller of `account` in `region`.  Raises NotFoundException, InvalidArnException."""
    if text.startswith("arn:"):
        return _of_arn(text, region)
    if text.startswith(ALIAS):
        return Ref(account, region, text)
    if not _KEY_ID.match(text):
        raise errors.invalid_key_id(text)
    return Ref(account, region, text)


def _of_arn(text: str, region: str) -> Ref:
    try:
        arn = arns.parse(text)
    except ValueError as error:
        raise errors.invalid_arn(text) from error
    if arn.service != "kms" or not (arn.resource.startswith(ALIAS) or arn.resource.startswith("key/")):
        raise errors.invalid_arn(text)
    if arn.region != region:
        raise errors.foreign_region(arn.region)
    id = arn.resource if arn.resource.startswith(ALIAS) else arn.resource_id
    if not id.startswith(ALIAS) and not _KEY_ID.match(id):
        raise errors.invalid_key_id(id)
    return Ref(arn.account, arn.region, id)


def arn_of(ref: Ref) -> str:
    return arns.arn("kms", ref.region, ref.account, ref.id if ref.is_alias else f"key/{ref.id}")


def key_arn(account: str, region: str, id: str) -> str:
    return arns.arn("kms", region, account, f"key/{id}")


def is_alias(text: str) -> bool:
    """Whether a call names a key by an alias."""
    return text.startswith(ALIAS) or ":alias/" in text
