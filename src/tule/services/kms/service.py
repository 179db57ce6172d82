"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.backbone.delivery import Dead, Delivery, Outcome
from tule.platform import encryption as encryption_at_rest
from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.kms import access, deletion, importing, rotation
from tule.services.kms.keys import keys
from tule.services.kms.operations import aliases, data_key_pairs, encryption, imports, key_stores, replicas, signing, tags
from tule.services.kms.operations import grants as grant_operations
from tule.services.kms.operations import keys as key_operations
from tule.services.kms.operations import policies as policy_operations
from tule.services.kms.operations import rotation as rotation_operations
from tule.services.kms.resources import RESOURCE_TYPES
from tule.services.kms.usage import usage


async def _deliver(node: Node, delivery: Delivery) -> Outcome:
    match delivery.kind:
        case rotation.KIND:
            return await rotation.deliver(node, delivery)
        case deletion.KIND:
            return await deletion.deliver(node, delivery)
        case importing.KIND:
            return await importing.deliver(node, delivery)
        case _:
            return Dead(f"A key has no use for a job of kind {delivery.kind}.")


async def _reset(node: Node) -> None:
    keys(node).forget()
    encryption_at_rest.forget(node)
    usage(node).forget()


_RECORDED = (
    "CreateKey DescribeKey CreateAlias TagResource ListResourceTags UntagResource DeriveSharedSecret Encrypt Decrypt GenerateMac VerifyMac"
    " GetParametersForImport ImportKeyMaterial Sign Verify ReplicateKey RotateKeyOnDemand GetKeyRotationStatus GenerateDataKeyPair"
    " GenerateDataKeyPairWithoutPlaintext"
)

SERVICE = Service(
    "kms",
    operations=operations_in(
        key_operations,
        encryption,
        data_key_pairs,
        signing,
        aliases,
        policy_operations,
        tags,
        grant_operations,
        rotation_operations,
        imports,
        replicas,
        key_stores,
    ),
    remembered_needs=access.NEEDS,
    deliver=_deliver,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
    recorded=frozenset(_RECORDED.split()),
)
