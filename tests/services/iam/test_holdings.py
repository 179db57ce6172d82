"""Providers, certificates, devices, keys and profiles: things without policies of their own."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.node import Account
from tests.services.iam.documents import LAMBDA_TRUST
from tests.services.iam.refusals import refusal


@pytest.fixture(scope="session")
def private_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def certificate(private_key: RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.com")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, private_key.public_key(), 1, day, day.replace(year=2036))
    return builder.sign(private_key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def test_an_instance_profile_holds_one_role(aws: Account) -> None:
    iam = aws.iam
    for name in ("one", "two"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST)
    made = iam.create_instance_profile(InstanceProfileName="profile", Path="/x/", Tags=[{"Key": "a", "Value": "b"}])["InstanceProfile"]
    assert (made["Arn"], made["Roles"]) == (f"arn:aws:iam::{aws.id}:instance-profile/x/profile", [])
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="one")
    full = refusal(iam.add_role_to_instance_profile, InstanceProfileName="profile", RoleName="two")
    assert full == ("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1", 409)
    profile = iam.get_instance_profile(InstanceProfileName="profile")["InstanceProfile"]
    assert ([role["RoleName"] for role in profile["Roles"]], profile["Tags"]) == (["one"], [{"Key": "a", "Value": "b"}])
    found = iam.list_instance_profiles_for_role(RoleName="one")["InstanceProfiles"]
    assert [one["InstanceProfileName"] for one in found] == ["profile"]
    assert refusal(iam.delete_instance_profile, InstanceProfileName="profile")[0] == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="profile", RoleName="one")
    iam.delete_instance_profile(InstanceProfileName="profile")
    missing = ("NoSuchEntity", "Instance Profile profile cannot be found.", 404)
    assert refusal(iam.get_instance_profile, InstanceProfileName="profile") == missing


def test_an_oidc_provider_is_known_by_its_url(aws: Account) -> None:
    iam = aws.iam
    url, thumbprint = "https://token.actions.githubusercontent.com", "6938fd4d98bab03faadb97b34396831e3780aea1"
    arn = iam.create_open_id_connect_provider(Url=url, ClientIDList=["a"], ThumbprintList=[thumbprint])["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{aws.id}:oidc-provider/token.actions.githubusercontent.com"
    assert refusal(iam.create_open_id_connect_provider, Url=url) == ("EntityAlreadyExists", f"Provider with url {url} already exists.", 409)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (provider["Url"], provider["ClientIDList"], provider["ThumbprintList"]) == (url.removeprefix("https://"), ["b"], [thumbprint])
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    missing = ("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)
    assert refusal(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn) == missing


def test_a_saml_provider_keeps_its_metadata(aws: Account) -> None:
    metadata = "<EntityDescriptor>" + "x" * 1000 + "</EntityDescriptor>"
    arn = aws.iam.create_saml_provider(Name="corp", SAMLMetadataDocument=metadata)["SAMLProviderArn"]
    assert arn == f"arn:aws:iam::{aws.id}:saml-provider/corp"
    assert aws.iam.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == metadata
    broken = refusal(aws.iam.update_saml_provider, SAMLProviderArn=arn, SAMLMetadataDocument="<a>" + "x" * 1000)
    assert broken == ("InvalidInput", "Could not parse metadata", 400)
    bomb = '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;' + "x" * 1000 + "</a>"
    assert refusal(aws.iam.create_saml_provider, Name="bomb", SAMLMetadataDocument=bomb)[0] == "InvalidInput"


def test_a_server_certificate_needs_its_own_key(aws: Account, private_key: RSAPrivateKey, certificate: str) -> None:
    iam = aws.iam
    params = {"ServerCertificateName": "site", "CertificateBody": certificate, "PrivateKey": _pem(private_key)}
    other = _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    assert refusal(iam.upload_server_certificate, **{**params, "PrivateKey": other})[0] == "KeyPairMismatch"
    assert refusal(iam.upload_server_certificate, **{**params, "CertificateBody": "nonsense"})[0] == "MalformedCertificate"
    made = iam.upload_server_certificate(**params)["ServerCertificateMetadata"]
    assert made["Expiration"] == datetime.datetime(2036, 1, 1, tzinfo=datetime.UTC)
    iam.update_server_certificate(ServerCertificateName="site", NewServerCertificateName="www")
    assert iam.get_server_certificate(ServerCertificateName="www")["ServerCertificate"]["CertificateBody"] == certificate
    missing = ("NoSuchEntity", "The Server Certificate with name site cannot be found.", 404)
    assert refusal(iam.delete_server_certificate, ServerCertificateName="site") == missing


def test_ssh_keys_and_signing_certificates_belong_to_users(aws: Account, private_key: RSAPrivateKey, certificate: str) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob")
    public = private_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    key = iam.upload_ssh_public_key(UserName="bob", SSHPublicKeyBody=public)["SSHPublicKey"]
    assert (len(key["Fingerprint"]), key["Status"]) == (47, "Active")
    assert refusal(iam.upload_ssh_public_key, UserName="bob", SSHPublicKeyBody=public)[0] == "DuplicateSSHPublicKey"
    pem = iam.get_ssh_public_key(UserName="bob", SSHPublicKeyId=key["SSHPublicKeyId"], Encoding="PEM")["SSHPublicKey"]["SSHPublicKeyBody"]
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
    signing = iam.upload_signing_certificate(UserName="bob", CertificateBody=certificate)["Certificate"]
    assert refusal(iam.delete_user, UserName="bob")[1] == "Cannot delete entity, must delete signing certificates first."
    iam.delete_signing_certificate(UserName="bob", CertificateId=signing["CertificateId"])
    iam.delete_ssh_public_key(UserName="bob", SSHPublicKeyId=key["SSHPublicKeyId"])
    iam.delete_user(UserName="bob")


def test_credentials_for_single_services(aws: Account) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob")
    unsupported = refusal(iam.create_service_specific_credential, UserName="bob", ServiceName="lambda.amazonaws.com")
    assert unsupported == ("NoSuchEntity", "No such service lambda.amazonaws.com is supported for Service Specific Credentials", 404)
    made = iam.create_service_specific_credential(UserName="bob", ServiceName="codecommit.amazonaws.com")["ServiceSpecificCredential"]
    assert (made["ServiceUserName"], made["Status"]) == (f"bob-at-{aws.id}", "Active")
    who: dict[str, Any] = {"UserName": "bob", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    assert iam.reset_service_specific_credential(**who)["ServiceSpecificCredential"]["ServicePassword"] != made["ServicePassword"]
    assert iam.list_service_specific_credentials(UserName="bob", ServiceName="cassandra.amazonaws.com")["ServiceSpecificCredentials"] == []
    wrong = refusal(iam.delete_service_specific_credential, UserName="bob", ServiceSpecificCredentialId="satisfiesregexbutinvalid")
    assert wrong == ("NoSuchEntity", "No such credential satisfiesregexbutinvalid exists", 404)
    nobody = refusal(iam.delete_service_specific_credential, **{**who, "UserName": "nobody"})
    assert nobody == ("NoSuchEntity", "The user with name nobody cannot be found.", 404)
    iam.delete_service_specific_credential(**who)


def test_a_virtual_mfa_device_is_enabled_with_two_codes(aws: Account) -> None:
    iam = aws.iam
    iam.create_user(UserName="bob")
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]["SerialNumber"]
    assert serial == f"arn:aws:iam::{aws.id}:mfa/phone"
    codes = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    answer = refusal(iam.enable_mfa_device, UserName="bob", SerialNumber=serial, **codes)
    assert answer == ("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
    assert iam.list_mfa_devices(UserName="bob")["MFADevices"] == []
    assert [one["SerialNumber"] for one in iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]] == [serial]
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=serial)[0] == "NoSuchEntity"


@pytest.mark.parametrize("kind", ["policy", "instance profile", "provider"])
def test_everything_can_be_tagged(aws: Account, kind: str) -> None:
    iam = aws.iam
    match kind:
        case "policy":
            document = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}'
            who = {"PolicyArn": iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]}
            operations = iam.tag_policy, iam.untag_policy, iam.list_policy_tags
        case "instance profile":
            who = {"InstanceProfileName": iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]["InstanceProfileName"]}
            operations = iam.tag_instance_profile, iam.untag_instance_profile, iam.list_instance_profile_tags
        case _:
            arn = iam.create_open_id_connect_provider(Url="https://example.com")["OpenIDConnectProviderArn"]
            who = {"OpenIDConnectProviderArn": arn}
            operations = iam.tag_open_id_connect_provider, iam.untag_open_id_connect_provider, iam.list_open_id_connect_provider_tags
    tag, untag, listed = operations
    tag(**who, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    untag(**who, TagKeys=["a"])
    assert listed(**who)["Tags"] == [{"Key": "b", "Value": "2"}]
