"""GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext.  AWS: KMS API reference."""

from __future__ import annotations

import asyncio
from typing import Any

from tule.core.errors import not_implemented
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms import ciphertext, errors
from tule.services.kms.keys import keys
from tule.services.kms.operations.encryption import RANDOM_BYTES, check_wraps
from tule.services.kms.usage import usage


async def generate_data_key_pair(call: Call, params: Params) -> dict[str, Any]:
    if params.get("Recipient"):
        raise errors.no_enclaves()
    private, answer = await _pair(call, params)
    return {**answer, "PrivateKeyPlaintext": private}


async def generate_data_key_pair_without_plaintext(call: Call, params: Params) -> dict[str, Any]:
    _, answer = await _pair(call, params)
    return answer


async def _pair(call: Call, params: Params) -> tuple[bytes, dict[str, Any]]:
    from tule.services.kms import asymmetric

    spec = params["KeyPairSpec"]
    key = await keys(call.node).named(call, params["KeyId"])
    check_wraps(key, call.operation)
    material = key.material()
    if spec not in asymmetric.data_pair_specs():
        raise not_implemented("kms", f"pairs of data keys of spec {spec}")
    if params.get("DryRun"):
        raise errors.dry_run()
    private, public = await asyncio.to_thread(asymmetric.generate_pair, spec)
    random = call.node.ids.bytes(RANDOM_BYTES)
    blob = ciphertext.encrypt(material.secret, material.header, random, private, params.get("EncryptionContext"))
    usage(call.node).note(call, key)
    return private, {
        "PrivateKeyCiphertextBlob": blob,
        "PublicKey": public,
        "KeyId": key.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": material.id,
    }
