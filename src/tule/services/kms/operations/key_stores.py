"""DescribeCustomKeyStores: there are none, since they take an HSM.  AWS: KMS API reference."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.kms import errors
from tule.store.store import Tx


@reads
def describe_custom_key_stores(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    named = params.get("CustomKeyStoreId") or params.get("CustomKeyStoreName")
    if named:
        raise errors.no_key_store(named)
    return {"CustomKeyStores": [], "Truncated": False}
