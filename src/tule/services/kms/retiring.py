"""Which grant a call retires."""

from __future__ import annotations

from tule.core.errors import validation
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms import grants, names
from tule.services.kms.names import Ref


def retired(call: Call, params: Params) -> tuple[Ref, str]:
    """Key and id of the grant that a call retires, by its token or by its id.  Raises InvalidGrantTokenException."""
    if "GrantToken" in params:
        return grants.of_token(call.node, params["GrantToken"])
    if "KeyId" not in params or "GrantId" not in params:
        raise validation("You must specify either a grant token or both a key ID and a grant ID.")
    return names.parse(params["KeyId"], call.account, call.region), params["GrantId"]
