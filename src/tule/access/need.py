"""What a call needs permission for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, frozen=True)
class Need:
    """One permission that a call needs: `action` (`s3:GetObject`) on `resource` (an ARN, or `*`), with condition keys.

    `policy` is the resource's own policy document where it has one, and `owner` the account that owns the resource
    (the caller's own when empty).  `policy_decides` marks resources whose policy must allow too, even to their own
    account: roles (trust policy) and KMS keys.  `shown` is how a denial names the resource where not by its ARN
    (`role name`, as IAM does).
    """

    action: str
    resource: str = "*"
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    policy: Mapping[str, Any] | None = None
    owner: str = ""
    policy_decides: bool = False
    shown: str = ""


class LazyContext(Mapping[str, Any]):
    """Condition keys, gathered when a decision asks for them: one that is remembered needs none."""

    __slots__ = ("_found", "_gather")

    def __init__(self, gather: Callable[[], Mapping[str, Any]]) -> None:
        self._gather = gather
        self._found: Mapping[str, Any] | None = None

    def _all(self) -> Mapping[str, Any]:
        if self._found is None:
            self._found = self._gather()
        return self._found

    def __getitem__(self, key: str) -> Any:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
