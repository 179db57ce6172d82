"""What the tests of Lambda share: packages, roles and functions."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account

ECHO = "def handler(event, context):\n    return event\n"
TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
WRITE_LOGS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}],
}


def zipped(**files: str) -> bytes:
    """`zipped(index="...")` is a zip with `index.py`."""
    return zip_of({f"{name}.py": text for name, text in files.items()})


def zip_of(files: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def role(account: Account, name: str = "runner", *, logs: bool = True) -> str:
    """The ARN of a role that Lambda may assume."""
    arn = account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA))["Role"]["Arn"]
    if logs:
        account.iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(WRITE_LOGS))
    return arn


def create(account: Account, name: str = "f", *, code: str = ECHO, **settings: Any) -> dict[str, Any]:
    """A function of this code; its role is made on the first call."""
    wanted = {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": settings.get("Role") or existing_role(account),
        "Code": {"ZipFile": zipped(index=code)},
    }
    return account.lambda_.create_function(**(wanted | settings))


def existing_role(account: Account) -> str:
    try:
        return account.iam.get_role(RoleName="runner")["Role"]["Arn"]
    except account.iam.exceptions.NoSuchEntityException:
        return role(account)


def arn(account: Account, name: str) -> str:
    return f"arn:aws:lambda:us-east-1:{account.id}:function:{name}"


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def status(error: pytest.ExceptionInfo[ClientError]) -> int:
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]
