"""IAM's errors, with AWS's own codes and texts.  AWS: IAM API reference, the `Errors` section of each action."""

from __future__ import annotations

from tule.core.errors import ServiceError


def no_such_entity(message: str) -> ServiceError:
    return ServiceError("NoSuchEntity", message, 404)


def entity_not_found(noun: str, name: str) -> ServiceError:
    """`noun` is `role`, `user` or `group`."""
    return no_such_entity(f"The {noun} with name {name} cannot be found.")


def inline_policy_not_found(noun: str, name: str) -> ServiceError:
    return no_such_entity(f"The {noun} policy with name {name} cannot be found.")


def policy_not_found(arn: str) -> ServiceError:
    return no_such_entity(f"Policy {arn} was not found.")


def policy_not_attachable(arn: str) -> ServiceError:
    return no_such_entity(f"Policy {arn} does not exist or is not attachable.")


def boundary_not_attachable(arn: str) -> ServiceError:
    return no_such_entity(f"Scope ARN: {arn} does not exist or is not attachable.")


def version_not_found(arn: str, version: str) -> ServiceError:
    return no_such_entity(f"Policy {arn} version {version} does not exist or is not attachable.")


def access_key_not_found(access_key: str) -> ServiceError:
    return no_such_entity(f"The Access Key with id {access_key} cannot be found.")


def instance_profile_not_found(name: str) -> ServiceError:
    return no_such_entity(f"Instance Profile {name} cannot be found.")


def already_exists(message: str) -> ServiceError:
    return ServiceError("EntityAlreadyExists", message, 409)


def name_taken(noun: str, name: str) -> ServiceError:
    return already_exists(f"{noun.capitalize()} with name {name} already exists.")


def delete_conflict(message: str) -> ServiceError:
    return ServiceError("DeleteConflict", message, 409)


def must_first(what: str) -> ServiceError:
    """`what` is what must be done before the deletion: `detach all policies`."""
    return delete_conflict(f"Cannot delete entity, must {what} first.")


def quota_exceeded(quota: str, limit: int) -> ServiceError:
    return ServiceError("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}", 409)


def limit_exceeded(message: str) -> ServiceError:
    return ServiceError("LimitExceeded", message, 409)


def invalid_input(message: str) -> ServiceError:
    return ServiceError("InvalidInput", message, 400)


def validation_error(message: str) -> ServiceError:
    return ServiceError("ValidationError", message, 400)


def malformed_policy(message: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocument", message, 400)


def protected_role(name: str) -> ServiceError:
    return ServiceError(
        "UnmodifiableEntity", f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS", 400
    )


def aws_managed_is_read_only(arn: str) -> ServiceError:
    """Changing a policy of AWS itself."""
    return ServiceError("AccessDenied", f"Policy {arn} is owned by AWS and cannot be changed.", 403)


def user_name_needed() -> ServiceError:
    return validation_error("Must specify userName when calling with non-User credentials")
