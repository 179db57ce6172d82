"""SDKs and plain HTTPS from inside a function on a real node, none of which look at AWS_ENDPOINT_URL."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.node import Account
from tule.compute import sdks
from tule.compute.jvms import Jvm, installed_jvms
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


JAVA = """
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.Map;

public class Names {
    public int handle(Map<String, Object> event) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL("https://s3.eu-west-1.amazonaws.com/").openConnection();
        return connection.getResponseCode();
    }
}
"""
COMPILERS = [compiler for version, place in installed_jvms().items() if (compiler := Jvm(version, place).compiler)]


@pytest.mark.skipif(not COMPILERS, reason="no Java development kit is installed")
def test_java_trusts_the_platform_under_its_real_names(aws: Account, tmp_path: Path) -> None:
    (tmp_path / "Names.java").write_text(JAVA)
    subprocess.run([COMPILERS[0], "--release", "17", "-d", tmp_path, tmp_path / "Names.java"], check=True, capture_output=True)
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(tmp_path / "Names.class", "Names.class")
    role = aws.iam.create_role(RoleName="names", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    aws.lambda_.create_function(
        FunctionName="java-names",
        Runtime="java17",
        Handler="Names::handle",
        Role=role,
        Code={"ZipFile": package.getvalue()},
        Timeout=60,
        MemorySize=512,
    )
    aws.lambda_.get_waiter("function_active_v2").wait(FunctionName="java-names", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
    answer = aws.lambda_.invoke(FunctionName="java-names", Payload=b"{}")
    assert json.load(answer["Payload"]) == 403
