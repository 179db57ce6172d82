"""What KMS tells EventBridge by itself.  AWS: https://docs.aws.amazon.com/kms/latest/developerguide/kms-events.html"""

from __future__ import annotations

from tule.platform.service_events import emit
from tule.services.kms import names
from tule.store.store import Tx

ROTATION = "KMS CMK Rotation"
EXPIRATION = "KMS Imported Key Material Expiration"
DELETION = "KMS CMK Deletion"


def tell(tx: Tx, account: str, region: str, key_id: str, what: str) -> None:
    arn = names.key_arn(account, region, key_id)
    emit(tx, account=account, region=region, source="aws.kms", detail_type=what, resources=[arn], detail={"key-id": key_id})
