"""Operations on users that mean the caller when they name nobody."""

from __future__ import annotations

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.iam import errors


def named_or_calling_user(call: Call, params: Params) -> str:
    """The user that `UserName` names, or the calling user.  Raises ValidationError for callers that are none."""
    if "UserName" in params:
        return params["UserName"]
    if call.principal.kind != "user":
        raise errors.user_name_needed()
    return arns.parse(call.principal.entity_arn).resource.rpartition("/")[2]
