"""S3 Control's errors by name."""

from __future__ import annotations

from tule.core.errors import ServiceError


def no_such_access_point(name: str) -> ServiceError:
    return ServiceError("NoSuchAccessPoint", "The specified accesspoint does not exist", 404, fields={"AccessPointName": name})


def no_such_access_point_policy(name: str) -> ServiceError:
    return ServiceError("NoSuchAccessPointPolicy", "The specified accesspoint does not have a policy", 404, fields={"AccessPointName": name})


def access_point_already_owned() -> ServiceError:
    message = "Your previous request to create the named accesspoint succeeded and you already own it."
    return ServiceError("AccessPointAlreadyOwnedByYou", message, 409)


def invalid_access_point_name(name: str) -> ServiceError:
    return ServiceError("InvalidURI", f"Couldn't parse the specified URI: {name}", 400)


def no_such_account_block(account: str) -> ServiceError:
    message = "The public access block configuration was not found"
    return ServiceError("NoSuchPublicAccessBlockConfiguration", message, 404, fields={"AccountId": account})


def no_such_configuration() -> ServiceError:
    return ServiceError("NoSuchConfiguration", "The specified configuration does not exist.", 404)


def no_such_resource() -> ServiceError:
    return ServiceError("NoSuchResource", "The specified resource doesn't exist.", 404)


def already_exists() -> ServiceError:
    return ServiceError("StorageLensGroupAlreadyExists", "A storage lens group with this name already exists.", 409)
