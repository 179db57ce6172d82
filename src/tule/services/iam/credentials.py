"""Further credentials of users, which must go before the user does: MFA devices, certificates, SSH keys, service credentials."""

from __future__ import annotations

from tule.services.iam.state import Entity
from tule.store.store import Tx


def refuse_while_in_use(tx: Tx, account: str, user: Entity) -> None:
    """Raises DeleteConflict, naming what must be deleted first."""
