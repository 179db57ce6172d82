"""AWS Identity and Access Management: who there is in an account and what they may do.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.service import Service, operations_in
from tule.services.iam import state, usage
from tule.services.iam.access import NEEDS
from tule.services.iam.operations import access_keys, attachments, inline_policies, managed_policies, roles, users

SERVICE = Service(
    "iam",
    operations_in(access_keys, attachments, inline_policies, managed_policies, roles, users),
    needs=NEEDS,
    schema=state.SCHEMA + usage.SCHEMA,
)
