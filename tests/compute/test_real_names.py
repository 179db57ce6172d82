"""SDKs and plain HTTPS from inside a function on a real node, none of which look at AWS_ENDPOINT_URL."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from tests.node import Account
from tule.compute import sdks
from tule.compute.runtimes import installed_nodes

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
MAY_LIST = {"Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}

SDK_V2 = """
const AWS = require('aws-sdk');
const https = require('https');
exports.handler = async () => {
  delete process.env.AWS_ENDPOINT_URL;
  const caller = await new AWS.STS().getCallerIdentity().promise();
  const buckets = await new AWS.S3().listBuckets().promise();
  const plain = await new Promise((resolve, reject) => {
    https.get('https://s3.eu-west-1.amazonaws.com/', (answer) => { answer.resume(); resolve(answer.statusCode); }).on('error', reject);
  });
  return { account: caller.Account, buckets: buckets.Buckets.map((bucket) => bucket.Name), plain };
};
"""


@pytest.mark.skipif(not installed_nodes() or 2 not in sdks.javascript_sdks(), reason="Node.js or the JavaScript SDK v2 is not installed")
def test_the_sdk_v2_speaks_to_the_platform_under_its_real_names(aws: Account) -> None:
    role = aws.iam.create_role(RoleName="names", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    aws.iam.put_role_policy(RoleName="names", PolicyName="list", PolicyDocument=json.dumps(MAY_LIST))
    aws.s3.create_bucket(Bucket=f"names-{aws.id}")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.js", SDK_V2)
    aws.lambda_.create_function(
        FunctionName="names",
        Runtime="nodejs16.x",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": package.getvalue()},
        Timeout=30,
        MemorySize=512,
    )
    aws.lambda_.get_waiter("function_active_v2").wait(FunctionName="names", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
    answer = aws.lambda_.invoke(FunctionName="names")
    assert json.load(answer["Payload"]) == {"account": aws.id, "buckets": [f"names-{aws.id}"], "plain": 403}
