"""KMS's errors, in its words.  AWS: KMS API reference, and what the service really answers."""

from __future__ import annotations

from tule.core.errors import ServiceError, not_implemented, validation

_WORDLESS = {"message": None}  # of these errors AWS says the code alone


def invalid_key_id(text: str) -> ServiceError:
    return ServiceError("NotFoundException", f"Invalid keyId '{text}'")


def no_key(arn: str) -> ServiceError:
    return ServiceError("NotFoundException", f"Key '{arn}' does not exist")


def foreign_region(region: str) -> ServiceError:
    return ServiceError("NotFoundException", f"Invalid arn {region}")


def no_alias(arn: str) -> ServiceError:
    return ServiceError("NotFoundException", f"Alias {arn} is not found.")


def invalid_arn(text: str) -> ServiceError:
    return ServiceError("InvalidArnException", f"Invalid arn {text}")


def disabled(arn: str) -> ServiceError:
    return ServiceError("DisabledException", f"{arn} is disabled.")


def invalid_state(arn: str, state: str) -> ServiceError:
    """`state` in words: `pending deletion`, `not pending deletion`, `pending import`."""
    return ServiceError("KMSInvalidStateException", f"{arn} is {state}.")


def wrong_usage(arn: str, usage: str, operation: str) -> ServiceError:
    return ServiceError("InvalidKeyUsageException", f"{arn} key usage is {usage} which is not valid for {operation}.")


def wrong_algorithm(algorithm: str, spec: str) -> ServiceError:
    return ServiceError("InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {spec}.")


def wrong_spec(arn: str, spec: str, operation: str) -> ServiceError:
    return ServiceError("InvalidKeyUsageException", f"{arn} key spec is {spec} which is not valid for {operation}.")


def unsupported(text: str) -> ServiceError:
    return ServiceError("UnsupportedOperationException", text)


def wrong_origin(arn: str, origin: str) -> ServiceError:
    return unsupported(f"{arn} origin is {origin} which is not valid for this operation.")


def invalid_ciphertext() -> ServiceError:
    return ServiceError("InvalidCiphertextException", fields=_WORDLESS)


def incorrect_key() -> ServiceError:
    return ServiceError("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")


def no_key_of_ciphertext(principal_arn: str, action: str) -> ServiceError:
    return ServiceError(
        "AccessDeniedException",
        f"User: {principal_arn} is not authorized to perform: {action} on the resource associated with this ciphertext because the resource"
        " does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
    )


def dry_run() -> ServiceError:
    return ServiceError("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


def too_long(algorithm: str, spec: str, limit: int) -> ServiceError:
    return validation(f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {limit} bytes.")


def tags(text: str) -> ServiceError:
    return ServiceError("TagException", text)


def invalid_marker() -> ServiceError:
    return ServiceError(
        "InvalidMarkerException", "The request was rejected because the marker that specifies where pagination should next begin is not valid."
    )


def malformed_policy(text: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocumentException", text)


def alias_exists(arn: str) -> ServiceError:
    return ServiceError("AlreadyExistsException", f"An alias with the name {arn} already exists")


def no_alias_name() -> ServiceError:
    return validation('Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html')


def reserved_alias() -> ServiceError:
    return ServiceError("NotAuthorizedException")


def limit_exceeded(text: str) -> ServiceError:
    return ServiceError("LimitExceededException", text)


def missing(member: str) -> ServiceError:
    return validation(f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null")


def no_enclaves() -> ServiceError:
    return not_implemented("kms", "Recipient (attestation documents of enclaves)")


def no_key_store(id: str) -> ServiceError:
    return ServiceError("CustomKeyStoreNotFoundException", f"Custom key store {id} does not exist.")


def invalid_alias(name: str) -> ServiceError:
    return ServiceError("InvalidAliasNameException", f"Alias {name} contains characters that are not allowed.")


def no_policy() -> ServiceError:
    return ServiceError("NotFoundException", "No such policy exists")


def invalid_import_token() -> ServiceError:
    return ServiceError("InvalidImportTokenException", "The import token is not valid for this KMS key.")


def expired_import_token() -> ServiceError:
    return ServiceError("ExpiredImportTokenException", "The import token has expired.")


def incorrect_material() -> ServiceError:
    return ServiceError("IncorrectKeyMaterialException", "The key material is invalid, or is not what was imported into this KMS key before.")


def no_material(id: str) -> ServiceError:
    return ServiceError("NotFoundException", f"Key material {id} does not exist")


def nothing_to_rotate(arn: str) -> ServiceError:
    return ServiceError("KMSInvalidStateException", f"No available key material pending rotation for the key: {arn}.")


def replica_exists(arn: str) -> ServiceError:
    return ServiceError("AlreadyExistsException", f"Multi-region replica key {arn} already exists")


def invalid_signature() -> ServiceError:
    return ServiceError("KMSInvalidSignatureException", fields=_WORDLESS)


def invalid_mac() -> ServiceError:
    return ServiceError("KMSInvalidMacException", fields=_WORDLESS)


def no_grant(id: str) -> ServiceError:
    return ServiceError("NotFoundException", f"Grant ID {id} not found")


def invalid_grant_token() -> ServiceError:
    return ServiceError("InvalidGrantTokenException", "The grant token is not valid.")


def alias_of_alias() -> ServiceError:
    return validation("Aliases must refer to keys. Not aliases")
