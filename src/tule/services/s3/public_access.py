"""Blocking of public access: what bucket, account and access point say together.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.s3.state.buckets import Bucket

SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
ALL = dict.fromkeys(SETTINGS, True)


def checked(given: Mapping[str, Any]) -> dict[str, bool]:
    """Every setting; those that are not named are off."""
    return {name: bool(given.get(name, False)) for name in SETTINGS}


def blocks(bucket: Bucket, setting: str) -> bool:
    """Whether any of those that count has this setting on."""
    return in_config(bucket.config, setting) or (bucket.point is not None and bool(bucket.point.config["Block"].get(setting)))


def in_config(config: Mapping[str, Any], setting: str) -> bool:
    """The same of a bucket's own configuration, and its account's."""
    return any(bool((config.get(where) or {}).get(setting)) for where in ("PublicAccessBlock", "AccountBlock"))
