"""Asymmetric and HMAC keys: what they sign, others verify, and the other way round."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.node import Account
from tests.services.kms.conftest import User, allow, arn_of, new_key, refused

SIGNERS = [
    ("RSA_2048", "RSASSA_PSS_SHA_256"),
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512"),
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("ECC_NIST_P384", "ECDSA_SHA_384"),
    ("ECC_NIST_P521", "ECDSA_SHA_512"),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
    ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ("ML_DSA_65", "ML_DSA_SHAKE_256"),
    ("ML_DSA_87", "ML_DSA_SHAKE_256"),
]


@pytest.mark.parametrize(("spec", "algorithm"), SIGNERS)
def test_what_a_key_signs_it_verifies(aws: Account, spec: str, algorithm: str) -> None:
    key = new_key(aws, KeySpec=spec, KeyUsage="SIGN_VERIFY")
    signed = aws.kms.sign(KeyId=key, Message=b"message", SigningAlgorithm=algorithm)
    assert signed["KeyId"] == arn_of(aws, key)
    asked = {"KeyId": key, "SigningAlgorithm": algorithm, "Signature": signed["Signature"]}
    assert aws.kms.verify(Message=b"message", **asked)["SignatureValid"] is True
    with refused("KMSInvalidSignatureException"):
        aws.kms.verify(Message=b"another", **asked)


def test_the_public_key_verifies_outside(aws: Account) -> None:
    key = new_key(aws, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    told = aws.kms.get_public_key(KeyId=key)
    assert (told["KeySpec"], told["SigningAlgorithms"]) == ("ECC_NIST_P256", ["ECDSA_SHA_256"])
    public = serialization.load_der_public_key(told["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(aws.kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"], b"m", ec.ECDSA(hashes.SHA256()))


def test_an_ed25519_key_is_one(aws: Account) -> None:
    key = new_key(aws, KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    public = serialization.load_der_public_key(aws.kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, ed25519.Ed25519PublicKey)
    public.verify(aws.kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ED25519_SHA_512")["Signature"], b"m")


def test_a_digest_is_signed_as_its_message_is(aws: Account) -> None:
    key = new_key(aws, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    asked = {"KeyId": key, "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    signature = aws.kms.sign(Message=hashlib.sha256(b"m").digest(), MessageType="DIGEST", **asked)["Signature"]
    assert aws.kms.verify(Message=b"m", MessageType="RAW", Signature=signature, **asked)["SignatureValid"]
    with refused("ValidationException", "Digest is invalid length for algorithm RSASSA_PSS_SHA_256."):
        aws.kms.sign(Message=b"short", MessageType="DIGEST", **asked)


def test_keys_do_only_what_they_are_for(aws: Account, key: str) -> None:
    signing = new_key(aws, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with refused("InvalidKeyUsageException", f"{arn_of(aws, signing)} key usage is SIGN_VERIFY which is not valid for Encrypt."):
        aws.kms.encrypt(KeyId=signing, Plaintext=b"x")
    with refused("InvalidKeyUsageException", f"{arn_of(aws, key)} key usage is ENCRYPT_DECRYPT which is not valid for Sign."):
        aws.kms.sign(KeyId=key, Message=b"x", SigningAlgorithm="ECDSA_SHA_256")
    with refused("InvalidKeyUsageException", "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."):
        aws.kms.sign(KeyId=signing, Message=b"x", SigningAlgorithm="ECDSA_SHA_384")
    with refused("UnsupportedOperationException"):
        aws.kms.get_public_key(KeyId=key)


@pytest.mark.parametrize("bits", ["224", "256", "384", "512"])
def test_macs_are_hmacs_under_a_key_that_nobody_sees(aws: Account, bits: str) -> None:
    key = new_key(aws, KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")
    algorithm = f"HMAC_SHA_{bits}"
    mac = aws.kms.generate_mac(KeyId=key, Message=b"m", MacAlgorithm=algorithm)["Mac"]
    assert len(mac) == hmac.new(b"", b"", f"sha{bits}").digest_size
    assert aws.kms.verify_mac(KeyId=key, Message=b"m", MacAlgorithm=algorithm, Mac=mac)["MacValid"]
    with refused("KMSInvalidMacException"):
        aws.kms.verify_mac(KeyId=key, Message=b"n", MacAlgorithm=algorithm, Mac=mac)


def test_two_parties_agree_on_a_secret(aws: Account) -> None:
    key = new_key(aws, KeySpec="ECC_NIST_P384", KeyUsage="KEY_AGREEMENT")
    mine = ec.generate_private_key(ec.SECP384R1())
    public = mine.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    answer = aws.kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)
    theirs = serialization.load_der_public_key(aws.kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    assert answer["SharedSecret"] == mine.exchange(ec.ECDH(), theirs)


def test_a_shared_secret_is_encapsulated_and_taken_out_again(aws: Account) -> None:
    key = new_key(aws, KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE")
    made = aws.kms.encapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM")
    found = aws.kms.decapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=made["SharedSecretCiphertextBlob"])
    assert found["SharedSecret"] == made["SharedSecret"]


def test_rsa_keys_decrypt_what_is_encrypted_outside(aws: Account) -> None:
    key = new_key(aws, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    public = serialization.load_der_public_key(aws.kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    blob = public.encrypt(b"secret", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    asked = {"KeyId": key, "CiphertextBlob": blob}
    assert aws.kms.decrypt(EncryptionAlgorithm="RSAES_OAEP_SHA_256", **asked)["Plaintext"] == b"secret"
    with refused("InvalidCiphertextException"):
        aws.kms.decrypt(EncryptionAlgorithm="RSAES_OAEP_SHA_1", **asked)


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"])
def test_pairs_of_data_keys_belong_together(aws: Account, key: str, spec: str) -> None:
    made = aws.kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec, EncryptionContext={"a": "b"})
    private = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert public == made["PublicKey"]
    blob = made["PrivateKeyCiphertextBlob"]
    assert aws.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == made["PrivateKeyPlaintext"]
    assert "PrivateKeyPlaintext" not in aws.kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec=spec)


def test_conditions_see_the_signing_algorithm(aws: Account) -> None:
    key = new_key(aws, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    eve = User(aws, allow("kms:Sign", Condition={"StringLike": {"kms:SigningAlgorithm": "RSASSA_PSS_*"}}))
    eve.kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="RSASSA_PSS_SHA_512")
    with refused("AccessDeniedException"):
        eve.kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")


def test_a_dry_run_does_everything_but_the_work(aws: Account, key: str) -> None:
    signing = new_key(aws, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    for attempt in (
        lambda: aws.kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True),
        lambda: aws.kms.generate_data_key(KeyId=key, KeySpec="AES_256", DryRun=True),
        lambda: aws.kms.sign(KeyId=signing, Message=b"m", SigningAlgorithm="ECDSA_SHA_256", DryRun=True),
        lambda: aws.kms.create_grant(KeyId=key, GranteePrincipal=aws.id, Operations=["Encrypt"], DryRun=True),
    ):
        with refused("DryRunOperationException", "The request would have succeeded, but the DryRun option is set."):
            attempt()
    assert aws.kms.list_grants(KeyId=key)["Grants"] == []
    with refused("InvalidKeyUsageException"):
        aws.kms.encrypt(KeyId=signing, Plaintext=b"x", DryRun=True)
