"""Blocking of public access for a whole account.  AWS: S3 Control API reference, PutPublicAccessBlock."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import public_access
from tule.services.s3.control import access, errors
from tule.services.s3.state import accounts
from tule.store.store import Tx


def put_public_access_block(call: Call, tx: Tx, params: Params) -> Params:
    accounts.put_public_access_block(tx, access.own(call, params), public_access.checked(params["PublicAccessBlockConfiguration"]))
    return {}


@reads
def get_public_access_block(call: Call, tx: Tx, params: Params) -> Params:
    block = accounts.public_access_block(tx, access.own(call, params))
    if block is None:
        raise errors.no_such_account_block(call.account)
    return {"PublicAccessBlockConfiguration": block}


def delete_public_access_block(call: Call, tx: Tx, params: Params) -> Params:
    accounts.put_public_access_block(tx, access.own(call, params), None)
    call.status = 204
    return {}
