"""Jobs that one call can deliver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from tule.backbone.claims import Claim
from tule.backbone.delivery import Delivery, Outcome

AT_ONCE = 10
MAX_BYTES = 900_000  # of payloads in one call, which may have a megabyte with all that is written around them


@dataclass(slots=True, frozen=True)
class Together:
    """`key` is the same for jobs that can go together, None for one that cannot; `deliver` gives an outcome for each, in order."""

    key: Callable[[Claim], Hashable | None]
    deliver: Callable[[list[Delivery]], Awaitable[list[Outcome]]]


def in_groups(claims: Sequence[Claim], key: Callable[[Claim], Hashable | None]) -> Iterator[Sequence[Claim]]:
    """In the order of the claims, as far as those that go together allow."""
    gathered: dict[Hashable, list[Claim]] = {}
    sizes: dict[Hashable, int] = {}
    for claim in claims:
        kind = key(claim)
        if kind is None:
            yield (claim,)
            continue
        group = gathered.setdefault(kind, [])
        size = sizes.get(kind, 0) + len(claim.payload)
        if group and (len(group) == AT_ONCE or size > MAX_BYTES):
            yield group
            group = gathered[kind] = []
            size = len(claim.payload)
        group.append(claim)
        sizes[kind] = size
    yield from gathered.values()
