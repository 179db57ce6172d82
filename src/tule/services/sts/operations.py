"""STS's operations.  AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.sts import assume
from tule.store.store import Tx


@reads
def get_caller_identity(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    principal = call.principal
    return {"UserId": principal.user_id, "Account": principal.account, "Arn": principal.arn}


@reads
def assume_role(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return assume.by_trust(call, tx, params)
