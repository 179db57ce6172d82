"""Layers: packages that functions share, in numbered versions.  AWS: Lambda developer guide, layers.

A version that was deleted goes on working in the functions that have it: they hold its package themselves.

Layers that others publish on AWS (Powertools, Lambda Insights) are not here.  A function may name them all the same, so that it can
be deployed unchanged: the version is kept in its configuration with a CodeSize of 0, which no package has, and left out when it runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.core import arn as arns
from tule.platform.call import Call
from tule.services.lambda_ import errors, state
from tule.services.lambda_.names import FunctionRef
from tule.store.documents import Documents
from tule.store.store import Tx

LAYERS = Documents("lambda.layer")  # {"published": the number of the last version}
VERSIONS = Documents("lambda.layer-version")
MAX_LAYERS = 5
_VERSION_DIGITS = 12
_ARN = re.compile(r"arn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):(\d{12}):layer:([a-zA-Z0-9_-]+)(?::(\d+))?")

Version = dict[str, Any]


class LayerRef(NamedTuple):
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return arns.arn("lambda", self.region, self.account, f"layer:{self.name}")

    def version_arn(self, number: int) -> str:
        return f"{self.arn}:{number}"

    @property
    def holder(self) -> FunctionRef:
        """Under which name the layer's versions hold their packages; no function can be called so."""
        return FunctionRef(self.account, self.region, f"layer:{self.name}")


def layer_ref(call: Call, name: str) -> LayerRef:
    """From a name or an ARN."""
    match = _ARN.fullmatch(name)
    return LayerRef(match[2], match[1], match[3]) if match else LayerRef(call.account, call.region, name)


def of_version_arn(arn: str) -> tuple[LayerRef, int]:
    """Raises ValueError."""
    match = _ARN.fullmatch(arn)
    if match is None or match[4] is None:
        raise ValueError(f"not the ARN of a layer version: {arn!r}")
    return LayerRef(match[2], match[1], match[3]), int(match[4])


def check_number(number: int) -> None:
    if number < 1:
        raise errors.invalid_parameter("Layer Version Cannot be less than 1")


def find(tx: Tx, ref: LayerRef, number: int) -> Version | None:
    return VERSIONS.get(tx, ref.account, ref.region, _key(ref, number))


def is_elsewhere(tx: Tx, ref: LayerRef, account: str) -> bool:
    """Another account than `account` has it, and not on this installation: whatever it holds, it is not to be had here."""
    return ref.account != account and LAYERS.get(tx, ref.account, ref.region, ref.name) is None


def left_out(config: Mapping[str, Any]) -> list[str]:
    """What to say of the layers that a function names and runs without."""
    absent = [layer["Arn"] for layer in config.get("Layers", ()) if layer["CodeSize"] == 0]
    return [f"The layer {arn} is not on this installation and is left out." for arn in absent]


def get(tx: Tx, ref: LayerRef, number: int) -> Version:
    """Raises ResourceNotFoundException or InvalidParameterValueException."""
    check_number(number)
    found = find(tx, ref, number)
    if found is None:
        raise errors.resource_absent()
    return found


def put(tx: Tx, ref: LayerRef, version: Version) -> None:
    VERSIONS.put(tx, ref.account, ref.region, _key(ref, version["Version"]), version)


def versions(tx: Tx, ref: LayerRef) -> list[Version]:
    """The youngest first."""
    return [body for _, body in VERSIONS.page(tx, ref.account, ref.region, prefix=f"{ref.name}/")][::-1]


def next_number(tx: Tx, ref: LayerRef) -> int:
    """Numbers are never used again, even when all versions are deleted."""
    layer = LAYERS.get(tx, ref.account, ref.region, ref.name) or {"published": 0}
    layer["published"] += 1
    LAYERS.put(tx, ref.account, ref.region, ref.name, layer)
    return layer["published"]


def delete(tx: Tx, ref: LayerRef, number: int) -> None:
    state.release_package(tx, ref.holder, str(number))
    VERSIONS.delete(tx, ref.account, ref.region, _key(ref, number))


def _key(ref: LayerRef, number: int) -> str:
    return f"{ref.name}/{number:0{_VERSION_DIGITS}d}"


def chosen(tx: Tx, ref: FunctionRef, wanted: list[str], *, strict: bool) -> list[Version]:
    """The layer versions that a function asks for, in their order; those that are elsewhere without `code`, unless `strict`.

    Raises InvalidParameterValueException.
    """
    if len(wanted) > MAX_LAYERS:
        raise errors.invalid_parameter("Cannot reference more than 5 layers.")
    seen: dict[str, str] = {}
    found: list[Version] = []
    for arn in wanted:
        layer, number = of_version_arn(arn)
        if layer.region != ref.region:
            raise errors.invalid_parameter(f"Layers are not in the same region as the function. Layers are expected to be in region {ref.region}.")
        if layer.arn in seen:
            raise errors.invalid_parameter(
                "Two different versions of the same layer are not allowed to be referenced in the same function."
                f" {seen[layer.arn]} and {arn} are versions of the same layer."
            )
        seen[layer.arn] = arn
        version = find(tx, layer, number)
        if version is None and (strict or not is_elsewhere(tx, layer, ref.account)):
            raise errors.invalid_parameter(f"Layer version {arn} does not exist.")
        found.append(version or {"LayerVersionArn": arn, "CodeSize": 0})
    return found
