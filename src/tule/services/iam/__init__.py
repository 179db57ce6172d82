"""AWS Identity and Access Management: who there is in an account and what they may do.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import cast

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.iam import state, usage
from tule.services.iam.access import NEEDS
from tule.services.iam.identities import IamIdentities
from tule.services.iam.operations import (
    access_keys,
    account,
    attachments,
    authorization_details,
    boundaries,
    credential_report,
    granting_policies,
    groups,
    inline_policies,
    instance_profiles,
    last_accessed,
    login_profiles,
    managed_policies,
    mfa_devices,
    oidc_providers,
    roles,
    saml_providers,
    server_certificates,
    service_linked_roles,
    service_specific_credentials,
    signing_certificates,
    simulation,
    ssh_public_keys,
    tags,
    users,
)
from tule.services.iam.resources import RESOURCE_TYPES


def _start(node: Node) -> Sequence[Awaitable[None]]:
    identities = cast(IamIdentities, node.identities)
    return identities.watch(), identities.write_usage()


SERVICE = Service(
    "iam",
    operations_in(
        access_keys,
        account,
        attachments,
        authorization_details,
        boundaries,
        credential_report,
        granting_policies,
        groups,
        inline_policies,
        instance_profiles,
        last_accessed,
        login_profiles,
        managed_policies,
        mfa_devices,
        oidc_providers,
        roles,
        saml_providers,
        server_certificates,
        service_linked_roles,
        service_specific_credentials,
        signing_certificates,
        simulation,
        ssh_public_keys,
        tags,
        users,
    ),
    needs=NEEDS,
    schema=state.SCHEMA + usage.SCHEMA,
    start=_start,
    resource_types=RESOURCE_TYPES,
)
