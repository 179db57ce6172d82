"""Asymmetric keys: making, signing, encrypting, agreeing.  Imported when such a key is first used.

Private keys are kept as PKCS #8 in DER, public ones shown as SubjectPublicKeyInfo.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/symmetric-asymmetric.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from tule.core.errors import not_implemented, validation
from tule.services.kms import errors, specs
from tule.services.kms.key import Key, Material

_CURVES: Mapping[str, Callable[[], ec.EllipticCurve]] = {
    "ECC_NIST_P256": ec.SECP256R1,
    "ECC_NIST_P384": ec.SECP384R1,
    "ECC_NIST_P521": ec.SECP521R1,
    "ECC_SECG_P256K1": ec.SECP256K1,
}
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    "1": hashes.SHA1,
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
_MU_BYTES = 64
ED25519_PH = "ED25519_PH_SHA_512"


def generate(spec: str) -> bytes:
    """A new private key, in DER."""
    return _der(_new(spec))


def generate_pair(spec: str) -> tuple[bytes, bytes]:
    """A new private and its public key, in DER."""
    private = _new(spec)
    return _der(private), _public_der(private.public_key())


def _new(spec: str) -> Any:
    if spec.startswith("RSA_"):
        return rsa.generate_private_key(65537, int(spec[4:]))
    if spec in _CURVES:
        return ec.generate_private_key(_CURVES[spec]())
    if spec == "ECC_NIST_EDWARDS25519":
        return ed25519.Ed25519PrivateKey.generate()
    return _post_quantum(spec).generate()


def _post_quantum(spec: str) -> Any:
    """The class of an ML-DSA or ML-KEM private key, which older versions of the library do not have."""
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
    except ImportError as error:
        raise not_implemented("kms", f"keys of spec {spec}") from error
    made: Any = getattr(
        mldsa if spec.startswith("ML_DSA") else mlkem, f"{spec.rpartition('_')[0].replace('_', '')}{spec.rpartition('_')[2]}PrivateKey"
    )
    return made


def _der(private: Any) -> bytes:
    return private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _public_der(public: Any) -> bytes:
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_key(material: Material) -> Any:
    if material.loaded is None:
        material.loaded = serialization.load_der_private_key(material.secret, None)
    return material.loaded


def public_key(material: Material) -> bytes:
    """SubjectPublicKeyInfo in DER."""
    return _public_der(private_key(material).public_key())


def fits(secret: bytes, spec: str) -> bool:
    """Whether this is a private key in PKCS #8 of that spec, as it is imported."""
    try:
        private = serialization.load_der_private_key(secret, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    if spec.startswith("RSA_"):
        return isinstance(private, rsa.RSAPrivateKey) and private.key_size == int(spec[4:])
    if spec in _CURVES:
        return isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name == _CURVES[spec]().name
    return spec == "ECC_NIST_EDWARDS25519" and isinstance(private, ed25519.Ed25519PrivateKey)


# RSA encryption


def _oaep(algorithm: str) -> padding.OAEP:
    digest = _HASHES[algorithm.rpartition("_")[2]]()
    return padding.OAEP(padding.MGF1(digest), digest, None)


def check_length(algorithm: str, spec: str, plaintext: bytes) -> None:
    """Raises ValidationException for a plaintext longer than the padding leaves room for."""
    digest_bytes = 20 if algorithm.endswith("_1") else 32
    limit = int(spec[4:]) // 8 - 2 * digest_bytes - 2
    if len(plaintext) > limit:
        raise errors.too_long(algorithm, spec, limit)


def encrypt(material: Material, algorithm: str, plaintext: bytes) -> bytes:
    return private_key(material).public_key().encrypt(plaintext, _oaep(algorithm))


def decrypt(material: Material, algorithm: str, blob: bytes) -> bytes:
    """Raises InvalidCiphertextException."""
    try:
        return private_key(material).decrypt(blob, _oaep(algorithm))
    except ValueError as error:
        raise errors.invalid_ciphertext() from error


# Signatures


def sign(material: Material, algorithm: str, message: bytes, kind: str) -> bytes:
    """`kind` is the API's MessageType."""
    private = private_key(material)
    if algorithm == "ED25519_SHA_512":
        return private.sign(message)
    if algorithm.startswith("ML_DSA"):
        return private.sign_mu(message) if kind == "EXTERNAL_MU" else private.sign(message)
    digest = _HASHES[algorithm.rpartition("_")[2]]()
    hashed = utils.Prehashed(digest) if kind == "DIGEST" else digest
    if algorithm.startswith("ECDSA_"):
        return private.sign(message, ec.ECDSA(hashed))
    return private.sign(message, _signature_padding(algorithm, digest), hashed)


def verify(material: Material, algorithm: str, message: bytes, kind: str, signature: bytes) -> bool:
    public = private_key(material).public_key()
    try:
        _verify(public, algorithm, message, kind, signature)
    except InvalidSignature:
        return False
    return True


def _verify(public: Any, algorithm: str, message: bytes, kind: str, signature: bytes) -> None:
    if algorithm == "ED25519_SHA_512":
        public.verify(signature, message)
    elif algorithm.startswith("ML_DSA"):
        (public.verify_mu if kind == "EXTERNAL_MU" else public.verify)(signature, message)
    else:
        digest = _HASHES[algorithm.rpartition("_")[2]]()
        hashed = utils.Prehashed(digest) if kind == "DIGEST" else digest
        if algorithm.startswith("ECDSA_"):
            public.verify(signature, message, ec.ECDSA(hashed))
        else:
            public.verify(signature, message, _signature_padding(algorithm, digest), hashed)


def _signature_padding(algorithm: str, digest: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if "_PSS_" in algorithm:
        return padding.PSS(padding.MGF1(digest), digest.digest_size)
    return padding.PKCS1v15()


def check_message(algorithm: str, kind: str, message: bytes) -> None:
    """Raises ValidationException for a message that is no digest of the algorithm, where it is said to be one."""
    if kind == "EXTERNAL_MU":
        if not algorithm.startswith("ML_DSA"):
            raise validation(f"MessageType {kind} is not valid for algorithm {algorithm}.")
        if len(message) != _MU_BYTES:
            raise validation(f"Message is invalid length for algorithm {algorithm}.")
    elif algorithm == ED25519_PH:
        if kind != "DIGEST":
            raise validation(f"MessageType {kind} is not valid for algorithm {algorithm}.")
        raise not_implemented("kms", f"the signing algorithm {algorithm}")
    elif kind == "DIGEST":
        if algorithm.startswith(("ML_DSA", "ED25519")):
            raise validation(f"MessageType {kind} is not valid for algorithm {algorithm}.")
        if len(message) != _HASHES[algorithm.rpartition("_")[2]]().digest_size:
            raise validation(f"Digest is invalid length for algorithm {algorithm}.")


# Agreement and encapsulation


def derive(key: Key, material: Material, public: bytes) -> bytes:
    """The shared secret of ECDH.  Raises ValidationException for what is no public key on the same curve."""
    try:
        other = serialization.load_der_public_key(public)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise validation("") from error
    if not isinstance(other, ec.EllipticCurvePublicKey) or other.curve.name != _CURVES[key.spec]().name:
        raise validation("")
    return private_key(material).exchange(ec.ECDH(), other)


def encapsulate(material: Material) -> tuple[bytes, bytes]:
    """A fresh shared secret, and its ciphertext."""
    return private_key(material).public_key().encapsulate()


def decapsulate(material: Material, blob: bytes) -> bytes:
    """Raises InvalidCiphertextException."""
    try:
        return private_key(material).decapsulate(blob)
    except ValueError as error:
        raise errors.invalid_ciphertext() from error


def data_pair_specs() -> frozenset[str]:
    """Of which kinds pairs of data keys are made."""
    return frozenset(spec for spec in specs.SPECS if specs.is_asymmetric(spec) and not spec.startswith("ML_DSA"))
