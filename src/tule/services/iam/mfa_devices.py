"""Virtual MFA devices: a seed, and whose it is.  The codes are TOTP (RFC 6238: SHA-1, 30 seconds, 6 digits).

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

from tule.services.iam import errors
from tule.services.iam.holdings import Shelf, Thing
from tule.store.documents import Documents
from tule.store.store import Tx

SHELF = Shelf(
    Documents("iam.mfa-device"),
    missing=lambda serial: errors.no_such_entity(f"VirtualMFADevice with serial number {serial} doesn't exist."),
    taken=lambda serial: errors.already_exists("MFADevice entity at the same path and name already exists."),
)
SEED_BYTES = 40
_STEP_S = 30
_DRIFT_STEPS = 2


def every(tx: Tx, account: str) -> list[Thing]:
    return SHELF.every(tx, account)


def code(seed: str, step: int) -> str:
    """The six digits of the step-th half minute since the epoch."""
    digest = hmac.new(base64.b32decode(seed), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def matches(seed: str, given: str, now_ms: int) -> bool:
    """One code, of now or a minute around."""
    return any(hmac.compare_digest(code(seed, step), given) for step in _steps(now_ms))


def consecutive(seed: str, first: str, second: str, now_ms: int) -> bool:
    """Two codes, one after the other, as EnableMFADevice wants them."""
    return any(code(seed, step) == first and code(seed, step + 1) == second for step in _steps(now_ms))


def _steps(now_ms: int) -> range:
    now = now_ms // 1000 // _STEP_S
    return range(max(0, now - _DRIFT_STEPS), now + _DRIFT_STEPS + 1)
