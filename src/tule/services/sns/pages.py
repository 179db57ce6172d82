"""What SNS serves outside the AWS protocol: the certificate that its messages name, and the receiver's answer STOP.

`GET /SimpleNotificationService-<name>.pem`; `POST /_tule/sns/opt-out` with `{"account", "region", "number"}`.
"""

from __future__ import annotations

import orjson

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.sns import sms
from tule.services.sns.memory import memory
from tule.wire.http import Request, Response, json_response

_BODY_LIMIT = 65_536


async def certificate(node: Node, request: Request) -> Response:
    signer = await memory(node).signing.signer()
    if not signer.certificate_url("").endswith(request.path):
        return Response(404, {"content-type": "text/plain"}, b"Not Found")
    return Response(200, {"content-type": "application/x-x509-ca-cert"}, signer.certificate)


async def opt_out(node: Node, request: Request) -> Response:
    """Only where the node is its owner's alone: in strict mode nobody answers for others."""
    origin = request.headers.get("origin")
    if node.config.strict or (origin is not None and origin.partition("://")[2] != request.host):
        raise ServiceError("Forbidden", "Nobody answers for others here.", 403)
    asked = orjson.loads(await request.stream.read(_BODY_LIMIT) or b"{}")
    account, region, number = (str(asked.get(name, "")) for name in ("account", "region", "number"))
    await node.store.write(lambda tx: sms.opt_out(tx, account or node.config.account, region or node.config.region, number))
    return json_response(200, {"opted_out": number})
