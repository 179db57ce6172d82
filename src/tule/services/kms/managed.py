"""AWS managed keys: `alias/aws/s3` and its like, made when a service first needs one for an account.

Looking at one makes it, too.  AWS: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.kms import making, names, policies, rotation, specs, state
from tule.services.kms.names import Ref
from tule.services.kms.sealing import sealer
from tule.store.store import Tx

# The service's name in the alias -> what the key is for, as DescribeKey tells.
_MADE_FOR = {
    "acm": "Default key that protects my ACM private keys when no other key is defined",
    "backup": "Default key that protects my Backup data when no other key is defined",
    "codecommit": "Default key that protects my CodeCommit repositories when no other key is defined",
    "dynamodb": "Default key that protects my DynamoDB data when no other key is defined",
    "ebs": "Default key that protects my EBS volumes when no other key is defined",
    "elasticfilesystem": "Default key that protects my EFS filesystems when no other key is defined",
    "es": "Default key that protects my Elasticsearch data when no other key is defined",
    "events": "Default key that protects my EventBridge data when no other key is defined",
    "firehose": "Default key that protects my Firehose data when no other key is defined",
    "glue": "Default key that protects my Glue data when no other key is defined",
    "kinesis": "Default key that protects my Kinesis data when no other key is defined",
    "lambda": "Default key that protects my Lambda functions when no other key is defined",
    "logs": "Default key that protects my CloudWatch Logs data when no other key is defined",
    "rds": "Default key that protects my RDS database volumes when no other key is defined",
    "redshift": "Default key that protects my Redshift clusters when no other key is defined",
    "s3": "Default key that protects my S3 objects when no other key is defined",
    "secretsmanager": "Default key that protects my Secrets Manager data when no other key is defined",
    "sns": "Default key that protects my SNS data when no other key is defined",
    "sqs": "Default key that protects my SQS messages when no other key is defined",
    "ssm": "Default key that protects my SSM Parameters when no other key is defined",
    "states": "Default key that protects my Step Functions data when no other key is defined",
    "xray": "Default key that protects my X-Ray data when no other key is defined",
}


def is_made_for(call: Call, ref: Ref) -> bool:
    """Whether this call brings the managed key into being: a service's for one of its users, or a look at it."""
    if _service(ref) not in _MADE_FOR:
        return False
    principal = call.principal
    if principal.trusted or principal.kind == "service" or principal.context.get("via"):
        return True
    return call.operation == "DescribeKey" and ref.account == call.account


def _service(ref: Ref) -> str:
    return ref.id.removeprefix(names.MANAGED)


async def make(node: Node, ref: Ref) -> Ref:
    """The key behind a managed alias, made unless somebody was faster."""
    box = await sealer(node)
    secret = node.ids.bytes(making.SYMMETRIC_BYTES)

    def create(tx: Tx) -> Ref:
        alias = state.ALIASES.get(tx, ref.account, ref.region, ref.id)
        if alias is not None:
            return Ref(ref.account, ref.region, alias["key"])
        document = _document(tx, ref)
        document["material"] = making.add_material(tx, box, ref.account, ref.region, document, secret, {})
        rotation.schedule(tx, ref.account, ref.region, document)
        state.create_key(tx, ref.account, ref.region, document)
        state.ALIASES.put(tx, ref.account, ref.region, ref.id, {"key": document["id"], "created_ms": tx.now_ms, "updated_ms": tx.now_ms})
        return Ref(ref.account, ref.region, document["id"])

    return await node.store.write(create)


def _document(tx: Tx, ref: Ref) -> dict[str, Any]:
    service = _service(ref)
    return {
        "id": tx.ids.uuid(),
        "created_ms": tx.now_ms,
        "state": "Enabled",
        "description": _MADE_FOR[service],
        "spec": specs.SYMMETRIC,
        "usage": specs.ENCRYPT_DECRYPT,
        "origin": "AWS_KMS",
        "manager": "AWS",
        "policy": policies.of_managed(service, ref.account, ref.region),
        "tags": {},
        "aliases": [ref.id],
        "rotation": {"enabled": True, "period_days": rotation.USUAL_DAYS, "next_ms": tx.now_ms + rotation.USUAL_DAYS * rotation.DAY_MS},
    }
