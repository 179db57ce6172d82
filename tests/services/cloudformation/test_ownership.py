"""What somebody else has survives every stack that wants its name, and what a stack made half way is gone: cut after any write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.cloudformation.test_crashes import Death
from tule.access.principal import root
from tule.app import build
from tule.backbone.worker import Jobs
from tule.core.config import Config
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services import cloudformation
from tule.wire.http import Body

MANY_AT_ONCE = 160
MANY = 60  # more writes than any creation here makes
ACCOUNT, REGION = "111122223333", "us-east-1"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
RUNNER = f"arn:aws:iam::{ACCOUNT}:role/runner"
CODE = "def handler(event, context):\n    return 1\n"
TOPICAL = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::taken/*"}
        ],
    }
)
FUNCTION = {"Handler": "index.handler", "Runtime": "python3.11", "Role": RUNNER, "Code": {"ZipFile": CODE}, "ReservedConcurrentExecutions": 1}
INLINE = [{"PolicyName": "inline", "PolicyDocument": json.loads(ALLOW)}]

# What a stack wants: properties, and the property that names it.
WANTED: dict[str, tuple[dict[str, Any], str]] = {
    "AWS::S3::Bucket": ({"VersioningConfiguration": {"Status": "Enabled"}}, "BucketName"),
    "AWS::S3::BucketPolicy": ({"PolicyDocument": json.loads(ALLOW)}, "Bucket"),
    "AWS::IAM::Role": ({"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [READ_ONLY], "Policies": INLINE}, "RoleName"),
    "AWS::IAM::User": ({"ManagedPolicyArns": [READ_ONLY], "Policies": INLINE}, "UserName"),
    "AWS::IAM::Group": ({"ManagedPolicyArns": [READ_ONLY], "Policies": INLINE}, "GroupName"),
    "AWS::IAM::ManagedPolicy": ({"PolicyDocument": json.loads(ALLOW)}, "ManagedPolicyName"),
    "AWS::IAM::InstanceProfile": ({"Roles": ["runner"]}, "InstanceProfileName"),
    "AWS::Lambda::Function": (FUNCTION, "FunctionName"),
    "AWS::Logs::LogGroup": ({"RetentionInDays": 7}, "LogGroupName"),
}
# The same, with something in it that the service refuses once the thing itself exists.
FAILING = {
    "AWS::S3::Bucket": {"CorsConfiguration": {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["a*b*c"]}]}},
    "AWS::IAM::Role": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]},
    "AWS::IAM::User": {"Groups": ["nobody-knows"]},
    "AWS::IAM::InstanceProfile": {"Roles": ["nobody-knows"]},
    "AWS::Lambda::Function": {"ReservedConcurrentExecutions": 100_000},
}


class Home:
    """A whole node without its listener, whose stack operations can be cut and taken up again."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.write = node.store.write
        self._lasting = asyncio.all_tasks()

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return await self.node.dispatcher.invoke(service, operation, params, principal=root(ACCOUNT), region=REGION)

    async def start(self) -> None:
        node = self.node
        node.jobs = Jobs(node.store, node.clock, node.ids, lambda delivery: cloudformation.ROOM.load().deliver(node, delivery))  # type: ignore[misc]
        await node.jobs.start()

    async def die(self) -> None:
        """Whatever was being done is never finished."""
        await self.node.jobs.stop(grace_s=0)
        doomed = asyncio.all_tasks() - self._lasting
        doomed.discard(asyncio.current_task())  # type: ignore[arg-type]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        await self.write(lambda tx: None)  # after those that were on their way: the dead write no more once another lives

    async def run_cut(self, operation: str, writes: int, **params: Any) -> tuple[str, str, bool]:
        """(id of the stack, how it ended, whether it was cut) of an operation that is cut after so many writes."""
        write = self.node.store.write
        death = Death(self, writes)  # type: ignore[arg-type]
        try:
            asked = asyncio.create_task(self.call("cloudformation", operation, StackName="shop", **params))
            settled = asyncio.create_task(self._asked_and_settled(asked))
            died = asyncio.create_task(death.came.wait())
            await asyncio.wait([settled, died], return_when=asyncio.FIRST_COMPLETED)
            cut = death.came.is_set()
            began = asked.done()
            await self.die()
        finally:
            self.node.store.write = write  # type: ignore[method-assign]
        await self.start()
        if not began:
            asked = asyncio.create_task(self.call("cloudformation", operation, StackName="shop", **params))
        stack_id = (await asked)["StackId"]
        await asyncio.wait_for(self.node.jobs.settle(), 20)
        return stack_id, (await self.call("cloudformation", "DescribeStacks", StackName=stack_id))["Stacks"][0]["StackStatus"], cut

    async def _asked_and_settled(self, asked: asyncio.Task[Any]) -> None:
        await asked
        await self.node.jobs.settle()

    async def delete(self, stack_id: str) -> None:
        await self.call("cloudformation", "DeleteStack", StackName=stack_id)
        await asyncio.wait_for(self.node.jobs.settle(), 20)
        assert (await self.call("cloudformation", "DescribeStacks", StackName=stack_id))["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"

    async def reasons(self, stack_id: str) -> str:
        events = (await self.call("cloudformation", "DescribeStackEvents", StackName=stack_id))["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"].endswith("FAILED"))

    async def all_there_is(self) -> dict[str, list[Any]]:
        """Everything of the account that has a name, to its last policy."""
        there = {
            "buckets": [await self._bucket(b["Name"]) for b in (await self.call("s3", "ListBuckets")).get("Buckets", [])],
            "functions": [await self._function(f["FunctionName"]) for f in (await self.call("lambda", "ListFunctions"))["Functions"]],
            "groups": (await self.call("logs", "DescribeLogGroups"))["logGroups"],
        }
        details = await self.call("iam", "GetAccountAuthorizationDetails", Filter=["User", "Role", "Group", "LocalManagedPolicy"])
        profiles = (await self.call("iam", "ListInstanceProfiles"))["InstanceProfiles"]
        lists = {key: value for key, value in details.items() if isinstance(value, list)}
        return json.loads(json.dumps({**there, **lists, "profiles": profiles}, default=str, sort_keys=True))

    async def _bucket(self, name: str) -> list[Any]:
        found: list[Any] = [name]
        for operation in ("GetBucketTagging", "GetBucketPolicy", "GetBucketVersioning", "GetBucketEncryption", "ListObjectVersions"):
            try:
                found.append(await self.call("s3", operation, Bucket=name))
            except ServiceError as error:
                found.append(error.code)
        return found

    async def _function(self, name: str) -> list[Any]:
        return [
            await self.call("lambda", "GetFunctionConfiguration", FunctionName=name),
            await self.call("lambda", "GetFunctionConcurrency", FunctionName=name),
        ]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    app = await build(Config(data=str(tmp_path / "home"), port=0))
    app.node.compute.prepare = lambda runtime: None  # type: ignore[method-assign] - no function runs here
    home = Home(app.node)
    await home.start()
    await home.call("iam", "CreateRole", RoleName="runner", AssumeRolePolicyDocument=json.dumps(TRUST))
    yield home
    await home.die()
    await app.node.blobs.close()
    await app.node.telemetry.close()
    await app.node.store.close()


async def take_every_name(home: Home) -> None:
    """Somebody has a `taken` of every kind, and cares for it."""
    await home.call("s3", "CreateBucket", Bucket="taken")
    await home.call("s3", "PutBucketTagging", Bucket="taken", Tagging={"TagSet": [{"Key": "mine", "Value": "yes"}]})
    await home.call("s3", "PutBucketPolicy", Bucket="taken", Policy=TOPICAL)
    for noun, further in (("Role", {"AssumeRolePolicyDocument": json.dumps(TRUST)}), ("User", {}), ("Group", {})):
        who = {f"{noun}Name": "taken"}
        await home.call("iam", f"Create{noun}", **who, **further)
        await home.call("iam", f"Put{noun}Policy", **who, PolicyName="inline", PolicyDocument=ALLOW)
        await home.call("iam", f"Attach{noun}Policy", **who, PolicyArn=READ_ONLY)
    await home.call("iam", "CreatePolicy", PolicyName="taken", PolicyDocument=ALLOW)
    await home.call("iam", "CreateInstanceProfile", InstanceProfileName="taken")
    await home.call("iam", "AddRoleToInstanceProfile", InstanceProfileName="taken", RoleName="taken")
    await home.call("logs", "CreateLogGroup", logGroupName="taken")
    await home.call("logs", "PutRetentionPolicy", logGroupName="taken", retentionInDays=30)
    await home.call("logs", "CreateLogStream", logGroupName="taken", logStreamName="stream")
    function = {"Type": "AWS::Lambda::Function", "Properties": {**FUNCTION, "FunctionName": "taken"}, "DeletionPolicy": "Retain"}
    made = await home.call("cloudformation", "CreateStack", StackName="first", TemplateBody=json.dumps({"Resources": {"It": function}}))
    await asyncio.wait_for(home.node.jobs.settle(), 20)
    await home.delete(made["StackId"])


def template(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"TemplateBody": json.dumps({"Resources": {"It": {"Type": kind, "Properties": properties}}}), "Capabilities": ["CAPABILITY_NAMED_IAM"]}


@pytest.mark.parametrize("kind", WANTED)
async def test_what_somebody_has_survives_a_stack_of_the_same_name(home, kind):
    await take_every_name(home)
    before = await home.all_there_is()
    properties, naming = WANTED[kind]
    for writes in range(1, MANY):
        stack_id, status, cut = await home.run_cut("CreateStack", writes, **template(kind, {**properties, naming: "taken"}))
        assert status == "ROLLBACK_COMPLETE", f"cut after {writes} writes"
        said = await home.reasons(stack_id)
        assert f"Resource of type '{kind}' with identifier 'taken' already exists." in said
        assert "HandlerErrorCode: AlreadyExists" in said
        assert await home.all_there_is() == before, f"cut after {writes} writes"
        await home.delete(stack_id)
        assert await home.all_there_is() == before, f"cut after {writes} writes, and deleted"
        if not cut:
            return
    raise AssertionError("the creation makes more writes than this test cuts")


@pytest.mark.parametrize("name", ["own", ""], ids=["named", "unnamed"])
@pytest.mark.parametrize("kind", [kind for kind in WANTED if kind != "AWS::S3::BucketPolicy"])
async def test_a_creation_that_is_cut_makes_one_and_leaves_none(home, kind, name):
    before = await home.all_there_is()
    properties, naming = WANTED[kind]
    wanted = {**properties, naming: name} if name else properties
    for writes in range(1, MANY):
        stack_id, status, cut = await home.run_cut("CreateStack", writes, **template(kind, wanted))
        assert status == "CREATE_COMPLETE", f"cut after {writes} writes: {await home.reasons(stack_id)}"
        now = await home.all_there_is()
        assert sum(map(len, now.values())) == sum(map(len, before.values())) + 1, f"cut after {writes} writes"
        await home.delete(stack_id)
        assert await home.all_there_is() == before, f"cut after {writes} writes, and deleted"
        if not cut:
            return
    raise AssertionError("the creation makes more writes than this test cuts")


@pytest.mark.parametrize("name", ["own", ""], ids=["named", "unnamed"])
@pytest.mark.parametrize("kind", FAILING)
async def test_a_creation_that_fails_half_way_leaves_nothing(home, kind, name):
    before = await home.all_there_is()
    properties, naming = WANTED[kind]
    wanted = {**properties, **FAILING[kind], **({naming: name} if name else {})}
    for writes in range(1, MANY):
        stack_id, status, cut = await home.run_cut("CreateStack", writes, **template(kind, wanted))
        assert status == "ROLLBACK_COMPLETE", f"cut after {writes} writes"
        assert await home.all_there_is() == before, f"cut after {writes} writes: {await home.reasons(stack_id)}"
        await home.delete(stack_id)
        if not cut:
            return
    raise AssertionError("the creation makes more writes than this test cuts")


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
async def test_what_is_half_made_when_something_else_fails_is_taken_down(home, named):
    """The one that fails may have failed before the cut, and then nothing else is taken up again."""
    before = await home.all_there_is()
    kinds = [kind for kind in WANTED if kind != "AWS::S3::BucketPolicy"]
    wanted = {kind: {**WANTED[kind][0], **({WANTED[kind][1]: "own"} if named else {})} for kind in kinds}
    resources = {kind.replace(":", ""): {"Type": kind, "Properties": properties} for kind, properties in wanted.items()}
    failing = {"Type": "AWS::IAM::User", "Properties": FAILING["AWS::IAM::User"]}
    params = {"TemplateBody": json.dumps({"Resources": {**resources, "Failing": failing}}), "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    for writes in range(1, MANY_AT_ONCE):
        stack_id, status, cut = await home.run_cut("CreateStack", writes, **params)
        assert status == "ROLLBACK_COMPLETE", f"cut after {writes} writes: {await home.reasons(stack_id)}"
        assert await home.all_there_is() == before, f"cut after {writes} writes: {await home.reasons(stack_id)}"
        await home.delete(stack_id)
        if not cut:
            return
    raise AssertionError("the creation makes more writes than this test cuts")


async def test_an_unnamed_layer_is_published_once(home):
    content = {"S3Bucket": "code", "S3Key": "layer.zip"}
    await home.call("s3", "CreateBucket", Bucket="code")
    await home.call("s3", "PutObject", Bucket="code", Key="layer.zip", Body=Body.of(empty_zip()))
    for writes in range(1, MANY):
        stack_id, status, cut = await home.run_cut("CreateStack", writes, **template("AWS::Lambda::LayerVersion", {"Content": content}))
        assert status == "CREATE_COMPLETE", await home.reasons(stack_id)
        (layer,) = (await home.call("lambda", "ListLayers"))["Layers"]
        assert len((await home.call("lambda", "ListLayerVersions", LayerName=layer["LayerName"]))["LayerVersions"]) == 1, f"cut after {writes} writes"
        await home.delete(stack_id)
        assert (await home.call("lambda", "ListLayers"))["Layers"] == []
        if not cut:
            return
    raise AssertionError("the creation makes more writes than this test cuts")


def empty_zip() -> bytes:
    return b"PK\x05\x06" + bytes(18)


async def test_the_owning_stack_is_named(home):
    bucket = template("AWS::S3::Bucket", {"BucketName": "own"})
    first = (await home.call("cloudformation", "CreateStack", StackName="first", **bucket))["StackId"]
    await asyncio.wait_for(home.node.jobs.settle(), 20)
    stack_id, status, _ = await home.run_cut("CreateStack", MANY, **bucket)
    assert status == "ROLLBACK_COMPLETE"
    assert f"own already exists in stack {first}" in await home.reasons(stack_id)


async def test_what_a_type_cannot_honour_is_refused_before_anything_is_made(home):
    resources = {
        "Group": {"Type": "AWS::Logs::LogGroup"},
        "Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": "Group", "Properties": {"MetadataTableConfiguration": {}}},
    }
    with pytest.raises(ServiceError, match="MetadataTableConfiguration"):
        await home.call("cloudformation", "CreateStack", StackName="shop", TemplateBody=json.dumps({"Resources": resources}))
    assert (await home.call("cloudformation", "ListStacks"))["StackSummaries"] == []
