"""AWS Identity and Access Management: who there is in an account and what they may do.

What differs: MFA devices show their seed but no QR picture; SAML assertions cannot be encrypted; organizations, delegation
requests and role templates are not built.  AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.iam import state, usage


def _load() -> Service:
    from tule.services.iam.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("iam", _load, schema=state.SCHEMA + usage.SCHEMA)
