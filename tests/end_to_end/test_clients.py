"""Unmodified clients: the AWS CLI, the SAM CLI, the JavaScript SDK, and Tule's own command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import EXAMPLE, eventually
from tests.node import Account
from tule.compute import sdks

BINARIES = Path(sys.executable).parent
SAM = Path(__file__).resolve().parents[2] / ".clients" / "sam" / "bin" / "sam"


def run(command: list[str | Path], account: Account, cwd: Path | None = None, **more: str) -> str:
    environment = account.environment() | {"SAM_CLI_TELEMETRY": "0"} | more
    done = subprocess.run([str(part) for part in command], env=environment, cwd=cwd, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_sam_builds_deploys_and_deletes(aws: Account, tmp_path: Path):
    shutil.copytree(EXAMPLE, tmp_path / "app", ignore=shutil.ignore_patterns(".aws-sam"))
    app = tmp_path / "app"
    python = f"{Path('/usr/bin')}:{os.environ['PATH']}"
    run([SAM, "build"], aws, app, PATH=python)
    run(
        [
            SAM,
            "deploy",
            "--stack-name",
            "by-sam",
            "--resolve-s3",
            "--capabilities",
            "CAPABILITY_IAM",
            "--no-confirm-changeset",
            "--region",
            aws.region,
        ],
        aws,
        app,
    )
    outputs = {o["OutputKey"]: o["OutputValue"] for o in aws.cloudformation.describe_stacks(StackName="by-sam")["Stacks"][0]["Outputs"]}
    run([BINARIES / "aws", "s3", "cp", EXAMPLE / "picture.jpg", f"s3://{outputs['PicturesBucket']}/deep/er/picture.jpg"], aws)
    eventually(
        lambda: "picture.jpg" in run([BINARIES / "aws", "s3", "ls", "--recursive", f"s3://{outputs['ThumbnailsBucket']}"], aws), "the thumbnail"
    )
    for bucket in (outputs["PicturesBucket"], outputs["ThumbnailsBucket"]):
        run([BINARIES / "aws", "s3", "rm", "--recursive", f"s3://{bucket}"], aws)
    run([SAM, "delete", "--stack-name", "by-sam", "--no-prompts", "--region", aws.region], aws, app)
    assert outputs["PicturesBucket"] not in run([BINARIES / "aws", "s3", "ls"], aws)


def test_the_aws_cli_speaks_to_every_service(aws: Account, tmp_path: Path):
    def cli(*words: str) -> str:
        return run([BINARIES / "aws", *words], aws)

    assert json.loads(cli("sts", "get-caller-identity"))["Account"] == aws.id
    cli("s3", "mb", f"s3://cli-{aws.id}")
    (tmp_path / "file").write_bytes(os.urandom(20_000_000))  # larger than the multipart threshold
    cli("s3", "cp", str(tmp_path / "file"), f"s3://cli-{aws.id}/file")
    cli("s3", "cp", f"s3://cli-{aws.id}/file", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "file").read_bytes()
    cli("logs", "create-log-group", "--log-group-name", "/cli")
    assert "/cli" in cli("logs", "describe-log-groups")
    cli("iam", "create-user", "--user-name", "ann")
    assert "ann" in cli("iam", "list-users")


def test_tule_deploys_invokes_shows_logs_and_deletes(aws: Account, tmp_path: Path):
    app = tmp_path / "hello"
    app.mkdir()
    (app / "app.py").write_text("def handler(event, context):\n    print('hello', event['name'])\n    return 'hello ' + event['name']\n")
    (app / "template.yaml").write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Parameters:\n  Greeting:\n    Type: String\n"
        "Resources:\n  Hello:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        "      FunctionName: !Sub '${AWS::StackName}-hello'\n      Runtime: python3.11\n      Handler: app.handler\n      CodeUri: .\n"
        "      Environment: {Variables: {GREETING: !Ref Greeting}}\n"
        "Outputs:\n  Name:\n    Value: !Ref Hello\n"
    )
    tule = BINARIES / "tule"
    assert "Name = greet-hello" in run([tule, "deploy", app, "--stack-name", "greet", "--parameter", "Greeting=hi"], aws)
    assert "up to date" in run([tule, "deploy", app, "--stack-name", "greet", "--parameter", "Greeting=hi"], aws)
    assert run([tule, "invoke", "greet-hello", "--payload", '{"name": "ann"}'], aws).strip() == '"hello ann"'
    eventually(lambda: "hello ann" in run([tule, "logs", "greet-hello"], aws), "the log line")
    assert "CREATE_COMPLETE" in run([tule, "status"], aws)
    assert "greet is gone" in run([tule, "delete", "greet"], aws)


def test_a_template_that_cannot_be_deployed_is_explained_by_tule(aws: Account, tmp_path: Path):
    (tmp_path / "template.yaml").write_text("Resources:\n  X:\n    Type: AWS::Nothing::AtAll\n")
    command = [str(BINARIES / "tule"), "deploy", str(tmp_path)]
    done = subprocess.run(command, env=aws.environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "AWS::Nothing::AtAll" in done.stderr


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    (tmp_path / "node_modules").symlink_to(sdks.javascript_sdks()[3])
    return tmp_path


def test_the_javascript_sdk_works(aws: Account, node_modules: Path):
    (node_modules / "script.mjs").write_text(
        """
import { S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { CloudWatchLogsClient, CreateLogGroupCommand, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
const Bucket = process.env.BUCKET;
const s3 = new S3Client({ forcePathStyle: true });
await s3.send(new CreateBucketCommand({ Bucket }));
await s3.send(new PutObjectCommand({ Bucket, Key: 'a b+c', Body: 'hello', Metadata: { colour: 'blue' } }));
const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a b+c' }));
const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'a b+c' }));
const logs = new CloudWatchLogsClient({});
await logs.send(new CreateLogGroupCommand({ logGroupName: '/js' }));
console.log(JSON.stringify({
  account: (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Account,
  body: await got.Body.transformToString(), metadata: got.Metadata, signed: await (await fetch(url)).text(),
  keys: (await s3.send(new ListObjectsV2Command({ Bucket }))).Contents.map((o) => o.Key),
  groups: (await logs.send(new DescribeLogGroupsCommand({}))).logGroups.map((g) => g.logGroupName),
}));
"""
    )
    said = json.loads(run(["node", "script.mjs"], aws, node_modules, BUCKET=f"js-{aws.id}", AWS_REGION=aws.region))
    assert said == {
        "account": aws.id,
        "body": "hello",
        "metadata": {"colour": "blue"},
        "signed": "hello",
        "keys": ["a b+c"],
        "groups": ["/js"],
    }
