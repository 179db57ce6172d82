"""GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial.  AWS: KMS API reference."""

from __future__ import annotations

import asyncio
from typing import Any

from tule.core.errors import validation
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms import changing, errors, importing, making, names, rotation, specs
from tule.services.kms.importing import Import
from tule.services.kms.names import Ref
from tule.services.kms.sealing import sealer
from tule.services.kms.state import Document
from tule.store.store import Tx

_VALID_MS = rotation.DAY_MS
_LONGEST_MS = 365 * rotation.DAY_MS
_EXPIRES = "KEY_MATERIAL_EXPIRES"


def _external(call: Call, tx: Tx, params: Params) -> tuple[Ref, Document]:
    """Raises UnsupportedOperationException for a key whose material is KMS's own."""
    ref, document = changing.staying(call, tx, params["KeyId"])
    if document["origin"] != "EXTERNAL":
        raise errors.wrong_origin(names.arn_of(ref), document["origin"])
    return ref, document


async def get_parameters_for_import(call: Call, params: Params) -> dict[str, Any]:
    ref, document = await call.node.store.read(lambda tx: _external(call, tx, params))
    algorithm, spec = params["WrappingAlgorithm"], params["WrappingKeySpec"]
    if spec == "SM2" or algorithm in ("SM2PKE", "RSAES_PKCS1_V1_5"):
        raise errors.unsupported(f"Wrapping algorithm {algorithm} and wrapping key spec {spec} are not supported.")
    if document["spec"].startswith("RSA_") and not algorithm.startswith("RSA_AES_KEY_WRAP"):
        raise validation(f"Wrapping algorithm {algorithm} is not compatible with key spec {document['spec']}.")
    from tule.services.kms import wrapping

    valid_to_ms = call.now_ms + _VALID_MS
    arn = names.arn_of(ref)
    public, token = await asyncio.to_thread(wrapping.make, arn, algorithm, spec, valid_to_ms)
    sealed = wrapping.sealed(await sealer(call.node), token, call.node.ids.bytes(12))
    return {"KeyId": arn, "ImportToken": sealed, "PublicKey": public, "ParametersValidTo": valid_to_ms / 1000}


async def import_key_material(call: Call, params: Params) -> dict[str, Any]:
    from tule.services.kms import wrapping

    ref, document = await call.node.store.read(lambda tx: _external(call, tx, params))
    box = await sealer(call.node)
    token = wrapping.opened(box, params["ImportToken"])
    if token.key_arn != names.arn_of(ref):
        raise errors.invalid_import_token()
    if token.valid_to_ms <= call.now_ms:
        raise errors.expired_import_token()
    expires_ms = _expiration(call, params)
    secret = wrapping.unwrap(token, params["EncryptedKeyMaterial"])
    if not making.fits(secret, document["spec"]):
        raise errors.incorrect_material()
    given = Import(secret, params.get("ImportType", ""), params.get("KeyMaterialId", ""), params.get("KeyMaterialDescription"), expires_ms)

    def add(tx: Tx) -> str:
        here, found = _external(call, tx, params)
        return importing.add(tx, box, here, found, given)

    id = await call.node.store.write(add)
    answer = {"KeyId": names.arn_of(ref)}
    return answer | {"KeyMaterialId": id} if document["spec"] == specs.SYMMETRIC else answer


def _expiration(call: Call, params: Params) -> int:
    """When the material expires; 0 for never."""
    valid_to = params.get("ValidTo")
    if params.get("ExpirationModel", _EXPIRES) != _EXPIRES:
        if valid_to is not None:
            raise validation("ValidTo must not be set if ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
        return 0
    if valid_to is None:
        raise validation("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
    expires_ms = int(valid_to * 1000)
    if expires_ms <= call.now_ms:
        raise validation("ValidTo must be in the future")
    if expires_ms > call.now_ms + _LONGEST_MS:
        raise validation("ValidTo must be within 365 days")
    return expires_ms


def delete_imported_key_material(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    ref, document = _external(call, tx, params)
    id = params.get("KeyMaterialId") or document.get("material")
    answer: dict[str, Any] = {"KeyId": names.arn_of(ref)}
    if id is None:  # nothing has been imported yet
        return answer
    importing.remove(tx, ref, document, id)
    return answer | {"KeyMaterialId": id} if document["spec"] == specs.SYMMETRIC else answer
