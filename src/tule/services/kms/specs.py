"""What kinds of keys there are, what each is for, and by which algorithms.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
"""

from __future__ import annotations

from collections.abc import Mapping

SYMMETRIC = "SYMMETRIC_DEFAULT"
ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
SIGN_VERIFY = "SIGN_VERIFY"
GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"
KEY_AGREEMENT = "KEY_AGREEMENT"
ENCAPSULATE = "ENCAPSULATE_DECAPSULATE"

_RSA = {
    ENCRYPT_DECRYPT: ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"),
    SIGN_VERIFY: (
        "RSASSA_PKCS1_V1_5_SHA_256",
        "RSASSA_PKCS1_V1_5_SHA_384",
        "RSASSA_PKCS1_V1_5_SHA_512",
        "RSASSA_PSS_SHA_256",
        "RSASSA_PSS_SHA_384",
        "RSASSA_PSS_SHA_512",
    ),
}
_ML_DSA = {SIGN_VERIFY: ("ML_DSA_SHAKE_256",)}
_ML_KEM = {ENCAPSULATE: ("ML_KEM",)}


def _ecc(bits: int) -> Mapping[str, tuple[str, ...]]:
    return {SIGN_VERIFY: (f"ECDSA_SHA_{bits}",), KEY_AGREEMENT: ("ECDH",)}


# Key spec -> usage -> algorithms.
SPECS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    SYMMETRIC: {ENCRYPT_DECRYPT: (SYMMETRIC,)},
    "RSA_2048": _RSA,
    "RSA_3072": _RSA,
    "RSA_4096": _RSA,
    "ECC_NIST_P256": _ecc(256),
    "ECC_NIST_P384": _ecc(384),
    "ECC_NIST_P521": _ecc(512),
    "ECC_SECG_P256K1": {SIGN_VERIFY: ("ECDSA_SHA_256",)},
    "ECC_NIST_EDWARDS25519": {SIGN_VERIFY: ("ED25519_SHA_512", "ED25519_PH_SHA_512")},
    "HMAC_224": {GENERATE_VERIFY_MAC: ("HMAC_SHA_224",)},
    "HMAC_256": {GENERATE_VERIFY_MAC: ("HMAC_SHA_256",)},
    "HMAC_384": {GENERATE_VERIFY_MAC: ("HMAC_SHA_384",)},
    "HMAC_512": {GENERATE_VERIFY_MAC: ("HMAC_SHA_512",)},
    "ML_DSA_44": _ML_DSA,
    "ML_DSA_65": _ML_DSA,
    "ML_DSA_87": _ML_DSA,
    "ML_KEM_768": _ML_KEM,
    "ML_KEM_1024": _ML_KEM,
}

# Usage -> the member of KeyMetadata that lists the algorithms.
ALGORITHMS_MEMBER: Mapping[str, str] = {
    ENCRYPT_DECRYPT: "EncryptionAlgorithms",
    SIGN_VERIFY: "SigningAlgorithms",
    GENERATE_VERIFY_MAC: "MacAlgorithms",
    KEY_AGREEMENT: "KeyAgreementAlgorithms",
    ENCAPSULATE: "EncapsulationAlgorithms",
}


def is_asymmetric(spec: str) -> bool:
    return spec != SYMMETRIC and not spec.startswith("HMAC_")
