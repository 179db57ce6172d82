"""Sign, Verify, GetPublicKey, GenerateMac, VerifyMac, DeriveSharedSecret, Encapsulate, Decapsulate.  AWS: KMS API reference."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms import errors, specs
from tule.services.kms.key import Key, Material
from tule.services.kms.keys import keys
from tule.services.kms.usage import usage


async def _usable(call: Call, params: Params, usage: str, algorithm: str | None) -> tuple[Key, Material]:
    """The key that a call names, if it is for this and by this algorithm."""
    key = await keys(call.node).named(call, params["KeyId"])
    key.check_usage(usage, call.operation)
    material = key.material()
    if algorithm is not None:
        key.check_algorithm(algorithm)
    return key, material


def _end_dry_run(params: Params) -> None:
    if params.get("DryRun"):
        raise errors.dry_run()


async def sign(call: Call, params: Params) -> dict[str, Any]:
    from tule.services.kms import asymmetric

    algorithm, kind, message = params["SigningAlgorithm"], params.get("MessageType", "RAW"), params["Message"]
    key, material = await _usable(call, params, specs.SIGN_VERIFY, algorithm)
    asymmetric.check_message(algorithm, kind, message)
    _end_dry_run(params)
    if algorithm.startswith("RSA"):  # some milliseconds
        signature = await asyncio.to_thread(asymmetric.sign, material, algorithm, message, kind)
    else:
        signature = asymmetric.sign(material, algorithm, message, kind)
    usage(call.node).note(call, key)
    return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}


async def verify(call: Call, params: Params) -> dict[str, Any]:
    from tule.services.kms import asymmetric

    algorithm, kind, message = params["SigningAlgorithm"], params.get("MessageType", "RAW"), params["Message"]
    key, material = await _usable(call, params, specs.SIGN_VERIFY, algorithm)
    asymmetric.check_message(algorithm, kind, message)
    if not asymmetric.verify(material, algorithm, message, kind, params["Signature"]):
        raise errors.invalid_signature()
    _end_dry_run(params)
    usage(call.node).note(call, key)
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


async def get_public_key(call: Call, params: Params) -> dict[str, Any]:
    key = await keys(call.node).named(call, params["KeyId"])
    if not specs.is_asymmetric(key.spec):
        raise errors.unsupported(f"{key.arn} key spec is {key.spec} which is not valid for GetPublicKey.")
    from tule.services.kms import asymmetric

    return {
        "KeyId": key.arn,
        "PublicKey": asymmetric.public_key(key.material()),
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        specs.ALGORITHMS_MEMBER[key.usage]: list(key.algorithms),
    }


def _mac(material: Material, algorithm: str, message: bytes) -> bytes:
    return hmac.digest(material.secret, message, "sha" + algorithm.rpartition("_")[2])


async def generate_mac(call: Call, params: Params) -> dict[str, Any]:
    algorithm = params["MacAlgorithm"]
    key, material = await _usable(call, params, specs.GENERATE_VERIFY_MAC, algorithm)
    _end_dry_run(params)
    usage(call.node).note(call, key)
    return {"KeyId": key.arn, "Mac": _mac(material, algorithm, params["Message"]), "MacAlgorithm": algorithm}


async def verify_mac(call: Call, params: Params) -> dict[str, Any]:
    algorithm = params["MacAlgorithm"]
    key, material = await _usable(call, params, specs.GENERATE_VERIFY_MAC, algorithm)
    if not hmac.compare_digest(_mac(material, algorithm, params["Message"]), params["Mac"]):
        raise errors.invalid_mac()
    _end_dry_run(params)
    usage(call.node).note(call, key)
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": algorithm}


async def derive_shared_secret(call: Call, params: Params) -> dict[str, Any]:
    if params.get("Recipient"):
        raise errors.no_enclaves()
    from tule.services.kms import asymmetric

    key, material = await _usable(call, params, specs.KEY_AGREEMENT, None)
    secret = asymmetric.derive(key, material, params["PublicKey"])
    _end_dry_run(params)
    algorithm = params["KeyAgreementAlgorithm"]
    usage(call.node).note(call, key)
    return {"KeyId": key.arn, "SharedSecret": secret, "KeyAgreementAlgorithm": algorithm, "KeyOrigin": key.document["origin"]}


async def encapsulate(call: Call, params: Params) -> dict[str, Any]:
    from tule.services.kms import asymmetric

    algorithm = params["EncapsulationAlgorithm"]
    key, material = await _usable(call, params, specs.ENCAPSULATE, algorithm)
    _end_dry_run(params)
    secret, blob = asymmetric.encapsulate(material)
    usage(call.node).note(call, key)
    return {"KeyId": key.arn, "SharedSecret": secret, "SharedSecretCiphertextBlob": blob, "EncapsulationAlgorithm": algorithm}


async def decapsulate(call: Call, params: Params) -> dict[str, Any]:
    from tule.services.kms import asymmetric

    algorithm = params["EncapsulationAlgorithm"]
    key, material = await _usable(call, params, specs.ENCAPSULATE, algorithm)
    _end_dry_run(params)
    secret = asymmetric.decapsulate(material, params["SharedSecretCiphertextBlob"])
    usage(call.node).note(call, key)
    return {"KeyId": key.arn, "SharedSecret": secret, "EncapsulationAlgorithm": algorithm}
