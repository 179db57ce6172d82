"""Encrypt, Decrypt, ReEncrypt, GenerateDataKey and its neighbours, GenerateRandom.  AWS: KMS API reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.errors import validation
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms import ciphertext, errors, specs
from tule.services.kms.access import key_to_decrypt
from tule.services.kms.key import Key, Material, UnknownMaterial
from tule.services.kms.keys import keys
from tule.services.kms.usage import usage

_KEY_BYTES = {"AES_256": 32, "AES_128": 16}
RANDOM_BYTES = 28


async def encrypt(call: Call, params: Params) -> dict[str, Any]:
    key = await keys(call.node).named(call, params["KeyId"])
    algorithm = params.get("EncryptionAlgorithm", specs.SYMMETRIC)
    blob, _ = _encrypted(call, key, algorithm, params["Plaintext"], params.get("EncryptionContext"), "Encrypt", params)
    usage(call.node).note(call, key)
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": algorithm}


def _encrypted(
    call: Call, key: Key, algorithm: str, plaintext: bytes, context: Mapping[str, str] | None, operation: str, params: Params
) -> tuple[bytes, Material]:
    key.check_usage(specs.ENCRYPT_DECRYPT, operation)
    material = key.material()
    key.check_algorithm(algorithm)
    if algorithm == specs.SYMMETRIC:
        if params.get("DryRun"):
            raise errors.dry_run()
        return ciphertext.encrypt(material.secret, material.header, call.node.ids.bytes(RANDOM_BYTES), plaintext, context), material
    from tule.services.kms import asymmetric

    _refuse_context(context)
    asymmetric.check_length(algorithm, key.spec, plaintext)
    if params.get("DryRun"):
        raise errors.dry_run()
    return asymmetric.encrypt(material, algorithm, plaintext), material


def _refuse_context(context: Mapping[str, str] | None) -> None:
    if context:
        raise validation("EncryptionContext is not supported for asymmetric algorithms.")


async def decrypt(call: Call, params: Params) -> dict[str, Any]:
    _refuse_recipient(params)
    algorithm = params.get("EncryptionAlgorithm", specs.SYMMETRIC)
    key = await key_to_decrypt(call, params, params.get("CiphertextBlob"), params.get("KeyId"), "kms:Decrypt")
    blob = _blob(key, params)
    plaintext, material = await _opened(call, key, algorithm, blob, params.get("EncryptionContext"), "Decrypt")
    if params.get("DryRun"):
        raise errors.dry_run()
    usage(call.node).note(call, key)
    answer: dict[str, Any] = {"KeyId": key.arn, "Plaintext": plaintext, "EncryptionAlgorithm": algorithm}
    return answer | {"KeyMaterialId": material.id} if algorithm == specs.SYMMETRIC else answer


def _blob(key: Key, params: Params) -> bytes:
    """What is to be decrypted.  A dry run may ask without it, whether the key would serve."""
    if (blob := params.get("CiphertextBlob")) is not None:
        return blob
    if params.get("DryRun") and "IGNORE_CIPHERTEXT" in params.get("DryRunModifiers", ()):
        key.material()
        raise errors.dry_run()
    raise errors.missing("ciphertextBlob")


async def _opened(call: Call, key: Key, algorithm: str, blob: bytes, context: Mapping[str, str] | None, operation: str) -> tuple[bytes, Material]:
    """As `_decrypted`, with the material that the key has by now where a blob names one that is not known."""
    try:
        return _decrypted(key, algorithm, blob, context, operation)
    except UnknownMaterial:
        fresh = await keys(call.node).again(key)
        return _decrypted(fresh or key, algorithm, blob, context, operation)


def _decrypted(key: Key, algorithm: str, blob: bytes, context: Mapping[str, str] | None, operation: str) -> tuple[bytes, Material]:
    key.check_usage(specs.ENCRYPT_DECRYPT, operation)
    key.check_enabled()
    key.check_algorithm(algorithm)
    if algorithm == specs.SYMMETRIC:
        sealed = ciphertext.parse(blob)
        if sealed.key_id != key.id:
            raise errors.incorrect_key()
        material = key.material_of(sealed)
        return ciphertext.decrypt(material.secret, sealed, context), material
    from tule.services.kms import asymmetric

    _refuse_context(context)
    material = key.material()
    return asymmetric.decrypt(material, algorithm, blob), material


async def re_encrypt(call: Call, params: Params) -> dict[str, Any]:
    source_algorithm = params.get("SourceEncryptionAlgorithm", specs.SYMMETRIC)
    algorithm = params.get("DestinationEncryptionAlgorithm", specs.SYMMETRIC)
    source = await key_to_decrypt(call, params, params.get("CiphertextBlob"), params.get("SourceKeyId"), "kms:ReEncryptFrom")
    destination = await keys(call.node).named(call, params["DestinationKeyId"])
    blob = _blob(source, params)
    plaintext, old = await _opened(call, source, source_algorithm, blob, params.get("SourceEncryptionContext"), "ReEncrypt")
    context = params.get("DestinationEncryptionContext")
    text, new = _encrypted(call, destination, algorithm, plaintext, context, "ReEncrypt", params)
    for key in (source, destination):
        usage(call.node).note(call, key)
    answer: dict[str, Any] = {
        "CiphertextBlob": text,
        "SourceKeyId": source.arn,
        "KeyId": destination.arn,
        "SourceEncryptionAlgorithm": source_algorithm,
        "DestinationEncryptionAlgorithm": algorithm,
    }
    if source_algorithm == specs.SYMMETRIC:
        answer["SourceKeyMaterialId"] = old.id
    return answer | {"DestinationKeyMaterialId": new.id} if algorithm == specs.SYMMETRIC else answer


async def generate_data_key(call: Call, params: Params) -> dict[str, Any]:
    _refuse_recipient(params)
    secret, answer = await _data_key(call, params, "GenerateDataKey")
    return {**answer, "Plaintext": secret}


async def generate_data_key_without_plaintext(call: Call, params: Params) -> dict[str, Any]:
    _, answer = await _data_key(call, params, "GenerateDataKeyWithoutPlaintext")
    return answer


async def _data_key(call: Call, params: Params, operation: str) -> tuple[bytes, dict[str, Any]]:
    if ("KeySpec" in params) == ("NumberOfBytes" in params):
        raise validation("Please specify either number of bytes or key spec.")
    key = await keys(call.node).named(call, params["KeyId"])
    check_wraps(key, operation)
    secret = call.node.ids.bytes(_KEY_BYTES[params["KeySpec"]] if "KeySpec" in params else params["NumberOfBytes"])
    blob, material = _encrypted(call, key, specs.SYMMETRIC, secret, params.get("EncryptionContext"), operation, params)
    usage(call.node).note(call, key)
    return secret, {"CiphertextBlob": blob, "KeyId": key.arn, "KeyMaterialId": material.id}


def check_wraps(key: Key, operation: str) -> None:
    """Data keys are encrypted under symmetric keys only.  Raises InvalidKeyUsageException, DisabledException and so on."""
    key.check_usage(specs.ENCRYPT_DECRYPT, operation)
    if key.spec != specs.SYMMETRIC:
        raise errors.wrong_spec(key.arn, key.spec, operation)


def _refuse_recipient(params: Params) -> None:
    """An enclave's attestation can only be checked against its hardware."""
    if params.get("Recipient"):
        raise errors.no_enclaves()


async def generate_random(call: Call, params: Params) -> dict[str, Any]:
    _refuse_recipient(params)
    if params.get("CustomKeyStoreId"):
        raise errors.no_key_store(params["CustomKeyStoreId"])
    if "NumberOfBytes" not in params:
        raise validation("NumberOfBytes is required.")
    return {"Plaintext": call.node.ids.bytes(params["NumberOfBytes"])}
