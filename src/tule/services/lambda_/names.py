"""The ways to name a function.  AWS: Lambda API reference, FunctionName and Qualifier of each operation.

A name (`resize`), a name with version or alias (`resize:prod`), a partial ARN (`123456789012:function:resize`) or an ARN.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tule.core import arn as arns
from tule.platform.call import Call
from tule.services.lambda_ import errors

LATEST = "$LATEST"
LATEST_PUBLISHED = "$LATEST.PUBLISHED"
"""The version that a function on a capacity provider runs when none is named; published anew in place of itself."""
MAX_NAME_CHARS = 64
_NAME = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9_.-]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)


class FunctionRef(NamedTuple):
    """A function, and the version or alias that was named, if any."""

    account: str
    region: str
    name: str
    qualifier: str | None = None

    @property
    def arn(self) -> str:
        """Without a qualifier."""
        return arns.arn("lambda", self.region, self.account, f"function:{self.name}")

    @property
    def qualified_arn(self) -> str:
        """With the qualifier that was named; the plain ARN when none was."""
        return f"{self.arn}:{self.qualifier}" if self.qualifier else self.arn


def function_ref(call: Call, name: str, qualifier: str | None = None) -> FunctionRef:
    """Raises InvalidParameterValueException, ResourceNotFoundException (another region) or ValidationException."""
    match = _NAME.fullmatch(name)
    if match is None:
        rule = f"Member must satisfy regular expression pattern: {_NAME.pattern}"
        raise errors.constraint("functionName", name, rule)
    bare = match["name"]
    if len(bare) > MAX_NAME_CHARS:
        rule = f"Member must have length less than or equal to {MAX_NAME_CHARS}"
        raise errors.invalid_parameter(f"1 validation error detected: Value '{bare}' at 'functionName' failed to satisfy constraint: {rule}")
    region = match["region"] or call.region
    if region != call.region:
        raise errors.not_found(f"Functions from '{region}' are not reachable in this region ('{call.region}')")
    derived = match["qualifier"]
    if derived and qualifier and derived != qualifier:
        raise errors.invalid_parameter("The derived qualifier from the function name does not match the specified qualifier.")
    return FunctionRef(match["account"] or call.account, region, bare, derived or qualifier)


def named_in(name: str, account: str, region: str) -> FunctionRef:
    """As `function_ref`, for a name that a function of this account and region uses.  Raises InvalidParameterValueException."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise errors.invalid_parameter(f"{name} does not name a function.")
    return FunctionRef(match["account"] or account, match["region"] or region, match["name"], match["qualifier"])


def of_arn(text: str) -> FunctionRef:
    """The function that an ARN names.  Raises ValueError."""
    parsed = arns.parse(text)
    kind, _, rest = parsed.resource.partition(":")
    if parsed.service != "lambda" or kind != "function" or not rest:
        raise ValueError(f"not a function's ARN: {text!r}")
    name, _, qualifier = rest.partition(":")
    return FunctionRef(parsed.account, parsed.region, name, qualifier or None)


def is_published(qualifier: str) -> bool:
    """Whether it names a published version, and not an alias."""
    return qualifier == LATEST_PUBLISHED or qualifier.isdecimal()
