"""Further credentials of users: signing certificates, SSH keys, service-specific credentials, MFA devices."""

from __future__ import annotations

from tule.services.iam import errors, mfa_devices
from tule.services.iam.holdings import Shelf
from tule.services.iam.state import Entity
from tule.store.documents import Documents
from tule.store.store import Tx

SIGNING_CERTIFICATES = Shelf(
    Documents("iam.signing-certificate"),
    missing=lambda key: errors.no_such_entity(f"The Certificate with id {key} cannot be found."),
    taken=lambda key: errors.already_exists(f"The Certificate with id {key} already exists."),
)
SSH_KEYS = Shelf(
    Documents("iam.ssh-public-key"),
    missing=lambda key: errors.no_such_entity(f"The Public Key with id {key} cannot be found."),
    taken=lambda key: errors.already_exists(f"The Public Key with id {key} already exists."),
)
SERVICE_CREDENTIALS = Shelf(
    Documents("iam.service-specific-credential"),
    missing=lambda key: errors.no_such_entity(f"No such credential {key} exists"),
    taken=lambda key: errors.already_exists(f"The credential {key} already exists."),
)

_BEFORE_A_USER_GOES = (
    (mfa_devices.SHELF, "delete MFA device"),
    (SIGNING_CERTIFICATES, "delete signing certificates"),
    (SSH_KEYS, "delete SSH public keys"),
    (SERVICE_CREDENTIALS, "delete service specific credentials"),
)


def refuse_while_in_use(tx: Tx, account: str, user: Entity) -> None:
    """Raises DeleteConflict, naming what must be deleted first."""
    for shelf, action in _BEFORE_A_USER_GOES:
        if shelf.of_user(tx, account, user["id"]):
            raise errors.must_first(action)
