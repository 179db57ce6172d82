"""Console passwords: the account's policy for them, and how they are kept (scrypt, never in clear).

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from tule.core.errors import ServiceError
from tule.core.ids import Ids

SYMBOLS = "!@#$%^&*()_+-=[]{}|'"
DEFAULT_POLICY: dict[str, Any] = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
}
_SALT_BYTES = 16
_COST = 4096


def hashed(ids: Ids, password: str) -> str:
    salt = ids.bytes(_SALT_BYTES)
    return f"{salt.hex()}:{_hash(salt, password)}"


def matches(password: str, kept: str) -> bool:
    salt, _, digest = kept.partition(":")
    return hmac.compare_digest(_hash(bytes.fromhex(salt), password), digest)


def check(password: str, policy: dict[str, Any] | None, user_name: str, earlier: list[str]) -> None:
    """Raises PasswordPolicyViolation.  `policy` None: AWS's default policy."""
    missing = _missing(password, policy) if policy is not None else _missing_by_default(password, user_name)
    if missing:
        raise violation(missing)
    reuse = (policy or {}).get("PasswordReusePrevention", 0)
    if any(matches(password, kept) for kept in earlier[-reuse:] if reuse):
        raise violation("Password has been used before")


def violation(why: str) -> ServiceError:
    return ServiceError("PasswordPolicyViolation", why, 400)


def _missing(password: str, policy: dict[str, Any]) -> str:
    minimum = policy["MinimumPasswordLength"]
    if len(password) < minimum:
        return f"Password should have a minimum length of {minimum}"
    for member, present, words in (
        ("RequireUppercaseCharacters", any("A" <= char <= "Z" for char in password), "uppercase letter"),
        ("RequireLowercaseCharacters", any("a" <= char <= "z" for char in password), "lowercase letter"),
        ("RequireNumbers", any("0" <= char <= "9" for char in password), "number"),
        ("RequireSymbols", any(char in SYMBOLS for char in password), "symbol"),
    ):
        if policy[member] and not present:
            return f"Password should have at least one {words}"
    return ""


def _missing_by_default(password: str, user_name: str) -> str:
    """Eight characters of three kinds out of four, and not the name."""
    kinds = [str.isupper, str.islower, str.isdigit, lambda char: not char.isalnum()]
    present = sum(any(kind(char) for char in password) for kind in kinds)
    if len(password) < 8:
        return "Password should have a minimum length of 8"
    if present < 3:
        return "Password should have at least three of: uppercase letters, lowercase letters, numbers, symbols"
    return "Password should not be the user's name" if password.lower() == user_name.lower() else ""


def _hash(salt: bytes, password: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=8, p=1).hex()
