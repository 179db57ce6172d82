"""Functions whose tenants have execution environments of their own: each invocation names its tenant.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tule.core.errors import ServiceError
from tule.services.lambda_ import errors
from tule.services.lambda_.runnables import Runnable


def is_isolated(config: Mapping[str, Any]) -> bool:
    return "TenancyConfig" in config


def of_tenant(function: Runnable, tenant: str | None) -> Runnable:
    """The function as it runs for a tenant.  Raises InvalidParameterValueException when one is missing or is one too many."""
    if not function.isolated:
        if tenant is None:
            return function
        raise errors.invalid_parameter("The invoked function is not enabled with tenancy configuration.")
    if tenant is None:
        raise errors.invalid_parameter(
            "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."
        )
    spec = dataclasses.replace(function.spec, key=f"{function.spec.key}|{tenant}", tenant=tenant)
    opened = [dataclasses.replace(each, key=spec.key, tenant=tenant) for each in function.opened]
    return dataclasses.replace(function, spec=spec, opened=opened)


def unsupported(what: str) -> ServiceError:
    return errors.invalid_parameter(f"{what} is not supported for functions with tenancy configuration.")
