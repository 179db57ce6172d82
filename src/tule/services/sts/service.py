"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.service import Service, operations_in
from tule.services.sts import operations
from tule.services.sts.access import NEEDS

# Compared with what AWS was recorded to answer; for docs/coverage.md.
RECORDED = frozenset(["AssumeRole"])

SERVICE = Service(
    "sts",
    operations_in(operations),
    needs=NEEDS,
    anonymous=frozenset({"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}),
    recorded=RECORDED,
)
