"""Capacity providers, and the functions whose versions run on what they manage.

Here instances are those of the host: a provider's network, instance types and scaling are kept and shown, and its functions run
as all others do, each instance with one invocation at a time.  What holds is what can be seen from outside: such a function is
invoked by its published versions alone ($LATEST.PUBLISHED where none is named), and each version runs at most as many
invocations at once as its execution environments together would, apart from the account's concurrency.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.lambda_ import errors, state
from tule.services.lambda_.names import LATEST, LATEST_PUBLISHED, FunctionRef
from tule.store.documents import Documents
from tule.store.store import Tx

PROVIDERS = Documents("lambda.capacity-provider")  # {"shown": the members of CapacityProvider, "tags"}, under the name
RESOURCE = "capacity-provider"
MAX_VERSIONS = 100
MAX_PROVIDERS = 1000
MIN_MEMORY_MB = 2048
INVOCABLE = "Active"
NOT_INVOCABLE = "ActiveNonInvocable"
DEACTIVATED = "Deactivated"

_GIB_A_VCPU = 2.0
_RUNTIMES = re.compile(r"python3\.(1[3-9])|nodejs(2[2-9])\.x|java(2[1-9])|dotnet(8|10)|provided\.al2023")
_CONCURRENCY_A_VCPU = {"nodejs": 64, "java": 32, "dotnet": 32, "python": 16}

Provider = dict[str, Any]
Config = Mapping[str, Any]


def arn(account: str, region: str, name: str) -> str:
    return arns.arn("lambda", region, account, f"{RESOURCE}:{name}")


def name_in(text: str) -> str:
    """The name in an ARN, or the name."""
    return text.rpartition(":")[2]


def find(tx: Tx, account: str, region: str, name: str) -> Provider | None:
    return PROVIDERS.get(tx, account, region, name_in(name))


def get(tx: Tx, account: str, region: str, name: str) -> Provider:
    """Raises ResourceNotFoundException."""
    found = find(tx, account, region, name)
    if found is None:
        raise errors.not_found(f"Capacity provider not found: {arn(account, region, name_in(name))}")
    return found


def put(tx: Tx, call: Call, name: str, provider: Provider) -> None:
    PROVIDERS.put(tx, call.account, call.region, name_in(name), provider)
    tx.wake(state.CHANGED)


def managed(config: Config) -> Config | None:
    """How a function (its configuration, or the parameters of a call) uses a capacity provider; None when it uses none."""
    return config.get("CapacityProviderConfig", {}).get("LambdaManagedInstancesCapacityProviderConfig")


def versions(tx: Tx, account: str, region: str, name: str) -> list[dict[str, str]]:
    """The versions of functions that are assigned to a provider, $LATEST among them: ARN and state."""
    wanted = arn(account, region, name_in(name))
    found: list[dict[str, str]] = []
    for _, function in state.functions(tx, account, region, "", 1_000_000):
        config = function["configuration"]
        ref = FunctionRef(account, region, config["FunctionName"])
        for each in (config, *(version["configuration"] for version in state.versions(tx, ref))):
            used = managed(each)
            if used is not None and used["CapacityProviderArn"] == wanted:
                found.append({"FunctionArn": f"{ref.arn}:{each['Version']}", "State": each["State"]})
    return found


def check(tx: Tx, ref: FunctionRef, config: Config) -> None:
    """Whether a function may be as `config` says it is.  Raises ResourceNotFoundException and InvalidParameterValueException."""
    used = managed(config)
    if used is None:
        return
    provider = get(tx, ref.account, ref.region, used["CapacityProviderArn"])["shown"]
    runtime = config.get("Runtime", "")
    if not _RUNTIMES.fullmatch(runtime):
        raise errors.invalid_parameter(f"The runtime {runtime} is not supported for functions that use a capacity provider.")
    if config["MemorySize"] < MIN_MEMORY_MB:
        raise errors.invalid_parameter(f"MemorySize must be at least {MIN_MEMORY_MB} MB for functions that use a capacity provider.")
    allowed = provider["InstanceRequirements"]["Architectures"]
    if config["Architectures"] != allowed:
        raise errors.invalid_parameter(
            f"The architecture {config['Architectures'][0]} of the function is not that of its capacity provider: {allowed[0]}."
        )
    if config["SnapStart"]["ApplyOn"] == "PublishedVersions":
        raise unsupported("SnapStart")


def check_room(tx: Tx, ref: FunctionRef, config: Config) -> None:
    """For one more version.  Raises FunctionVersionsPerCapacityProviderLimitExceededException."""
    used = managed(config)
    if used is None:
        return
    published = [
        each for each in versions(tx, ref.account, ref.region, used["CapacityProviderArn"]) if not each["FunctionArn"].endswith(f":{LATEST}")
    ]
    if len(published) >= MAX_VERSIONS:
        raise ServiceError(
            "FunctionVersionsPerCapacityProviderLimitExceededException",
            f"The maximum number of function versions for the capacity provider has been exceeded: {MAX_VERSIONS}",
            400,
            fields={"Type": "User"},
        )


def unsupported(what: str) -> ServiceError:
    return errors.invalid_parameter(f"{what} is not supported for functions that use a capacity provider.")


def invocable(tx: Tx, ref: FunctionRef, version: dict[str, Any]) -> dict[str, Any]:
    """The version that runs where `ref` names this one.  Raises NoPublishedVersionException and ResourceConflictException."""
    if managed(version["configuration"]) is None:
        return version
    if ref.qualifier is None:
        published = state.version(tx, ref, LATEST_PUBLISHED)
        if published is None:
            raise ServiceError("NoPublishedVersionException", "The function has no published versions available.", 400, fields={"Type": "User"})
        version = published
    now = version["configuration"]["State"]
    if now != INVOCABLE:
        raise errors.conflict(f"The operation cannot be performed at this time. The function is currently in the following state: {now}")
    return version


def room(tx: Tx, ref: FunctionRef, version: Mapping[str, Any]) -> int | None:
    """How many invocations of a version run at once; None where it uses no provider."""
    config = version["configuration"]
    used = managed(config)
    if used is None:
        return None
    vcpus = max(1.0, config["MemorySize"] / 1024 / used.get("ExecutionEnvironmentMemoryGiBPerVCpu", _GIB_A_VCPU))
    at_once = used.get("PerExecutionEnvironmentMaxConcurrency") or math.floor(vcpus * _concurrency_a_vcpu(config["Runtime"]))
    environments = version.get("scaling", {}).get("MaxExecutionEnvironments")
    if environments is None:
        provider = get(tx, ref.account, ref.region, used["CapacityProviderArn"])["shown"]
        environments = max(1, math.floor(provider["CapacityProviderScalingConfig"]["MaxVCpuCount"] / vcpus))
    return environments * at_once


def _concurrency_a_vcpu(runtime: str) -> int:
    return next((each for prefix, each in _CONCURRENCY_A_VCPU.items() if runtime.startswith(prefix)), 1)
