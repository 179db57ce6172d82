"""Tags of registries, schemas and discoverers.  AWS: EventBridge Schemas API reference, Tags."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.schemas import errors, state
from tule.services.schemas.state import Record
from tule.services.schemas.tags import checked
from tule.store.documents import Documents
from tule.store.store import Tx

Params = dict[str, Any]

_KINDS = {"registry": state.REGISTRIES, "schema": state.SCHEMAS, "discoverer": state.DISCOVERERS}


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    documents, key, record = _tagged(call, tx, params)
    documents.put(tx, call.account, call.region, key, {**record, "tags": checked(params["Tags"], record["tags"])})


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    documents, key, record = _tagged(call, tx, params)
    left = {name: value for name, value in record["tags"].items() if name not in params["TagKeys"]}
    documents.put(tx, call.account, call.region, key, {**record, "tags": left})


@reads
def list_tags_for_resource(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": _tagged(call, tx, params)[2]["tags"]}


def _tagged(call: Call, tx: Tx, params: Params) -> tuple[Documents, str, Record]:
    """Raises NotFoundException, BadRequestException."""
    arn = params["ResourceArn"]
    if not arns.is_arn(arn) or arns.parse(arn).service != "schemas":
        raise errors.bad_request(f"{arn} is not an ARN of this service.")
    kind, _, key = arns.parse(arn).resource.partition("/")
    documents = _KINDS.get(kind)
    record = documents.get(tx, call.account, call.region, key) if documents is not None and arns.parse(arn).account == call.account else None
    if documents is None or record is None:
        raise errors.not_found(f"Resource {arn} does not exist.")
    return documents, key, record
