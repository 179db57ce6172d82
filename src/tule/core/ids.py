"""Randomness, from one place: identifiers and secrets.

`Ids()` draws from the operating system; `Ids(seed=...)` is deterministic and for tests only.
"""

from __future__ import annotations

import os
import random
import string
import threading

_UPPER32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_POOL_BYTES = 4096
_ALNUM = string.ascii_letters + string.digits


class Ids:
    def __init__(self, seed: int | None = None) -> None:
        self._seeded = None if seed is None else random.Random(seed)
        self._pool = b""  # drawn ahead: a system call for each id is a tenth of a small request
        self._used = 0
        self._lock = threading.Lock()

    def bytes(self, count: int) -> bytes:
        if self._seeded is not None:
            return self._seeded.randbytes(count)
        if count > _POOL_BYTES:
            return os.urandom(count)
        with self._lock:
            if self._used + count > len(self._pool):
                self._pool, self._used = os.urandom(_POOL_BYTES), 0
            self._used += count
            return self._pool[self._used - count : self._used]

    def hex(self, count: int) -> str:
        """`count` hexadecimal digits."""
        return self.bytes((count + 1) // 2).hex()[:count]

    def uuid(self) -> str:
        """A version 4 UUID in lower case."""
        h = self.bytes(16).hex()
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"

    def upper(self, count: int) -> str:
        """`count` characters A-Z and 2-7, as in CloudFormation's suffixes and IAM's unique ids."""
        return "".join(_UPPER32[b & 31] for b in self.bytes(count))

    def alnum(self, count: int) -> str:
        """`count` characters a-z, A-Z, 0-9; uniform enough for names, not for keys (see `secret`)."""
        return "".join(_ALNUM[b % 62] for b in self.bytes(count))

    def secret(self, count: int) -> str:
        """`count` characters fit for a secret access key (A-Z a-z 0-9 + /)."""
        alphabet = _ALNUM + "+/"
        return "".join(alphabet[b & 63] for b in self.bytes(count))

    def unique_id(self, prefix: str) -> str:
        """An IAM unique id such as AROA..., AIDA..., AKIA..., ASIA...: 20 or more characters.  AWS: IAM identifiers."""
        return prefix + self.upper(17 if prefix not in ("AKIA", "ASIA") else 16)
