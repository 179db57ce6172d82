"""AWS Security Token Service: who am I, and temporary credentials.

Credentials are not kept anywhere: they carry themselves (`access/sessions.py`).
AWS: https://docs.aws.amazon.com/STS/latest/APIReference/
"""

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
