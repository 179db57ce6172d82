"""AWS Key Management Service.  AWS: https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html

A service that encrypts for its callers asks as they, through itself, so that the key's policy, their own policies and
`kms:ViaService` are held, and so that `alias/aws/<service>` comes into being when it is first needed:

    await call.invoke("kms", "GenerateDataKey", {"KeyId": "alias/aws/s3", "KeySpec": "AES_256", "EncryptionContext": {...}},
                      principal=through(call.principal, "s3.amazonaws.com"))      # access/principal.py

`platform/encryption.py` does that for whoever keeps small things: envelopes, and data keys remembered for a while.

Known to differ: what changes a key holds at once, and replicas are never seen in Creating, nor keys in Updating; throughput is not
limited.  Not built, and answered 501: custom key stores, which take an HSM; recipients in enclaves; SM2 and ML-KEM-512; Ed25519ph.
"""

from __future__ import annotations

from tule.backbone.delivery import Dead, Delivery, Outcome
from tule.platform import encryption as encryption_at_rest
from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.kms import access, deletion, importing, rotation, state
from tule.services.kms.keys import keys
from tule.services.kms.operations import aliases, data_key_pairs, encryption, imports, key_stores, replicas, signing, tags
from tule.services.kms.operations import grants as grant_operations
from tule.services.kms.operations import keys as key_operations
from tule.services.kms.operations import policies as policy_operations
from tule.services.kms.operations import rotation as rotation_operations
from tule.services.kms.resources import RESOURCE_TYPES


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
    schema=state.SCHEMA,
    deliver=_deliver,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
    recorded=frozenset(_RECORDED.split()),
)
