"""Access key ids: four letters of kind, then sixteen characters that carry the account, as AWS's do.

The first 48 bits of the base32 part are one set bit, the account number (40 bits), and 7 bits of chance; 32 more follow.
AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
"""

from __future__ import annotations

import base64
import binascii

from tule.core.ids import Ids

_CHANCE_BITS = 39


def new_access_key(ids: Ids, prefix: str, account: str) -> str:
    """`prefix` is AKIA or ASIA."""
    chance = int.from_bytes(ids.bytes(5)) & ((1 << _CHANCE_BITS) - 1)
    number = (1 << 79) | (int(account) << _CHANCE_BITS) | chance
    return prefix + base64.b32encode(number.to_bytes(10)).decode()


def account_of(access_key: str) -> str | None:
    """The twelve digits of the account that the key belongs to; None for what is no such key."""
    try:
        number = int.from_bytes(base64.b32decode(access_key[4:]))
    except binascii.Error:
        return None
    account = (number >> _CHANCE_BITS) & ((1 << 40) - 1)
    return f"{account:012d}" if len(access_key) == 20 and number >> 79 and account < 10**12 else None
