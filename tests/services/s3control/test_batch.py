"""S3 Batch Operations."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from typing import Any

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "batchoperations.s3.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_ALL = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]


class Jobs:
    """A bucket with three objects, a role, and jobs on them."""

    def __init__(self, aws: Account, control: Any) -> None:
        self.aws = aws
        self.control = control
        self.bucket = f"batch-{aws.id}"
        aws.s3.create_bucket(Bucket=self.bucket)
        for key in ("a", "b c", "d/é"):
            aws.s3.put_object(Bucket=self.bucket, Key=key, Body=key.encode())
        self.role = aws.iam.create_role(RoleName="batch", AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
        self.allow(_ALL)

    def allow(self, statements: list[dict[str, Any]]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.aws.iam.put_role_policy(RoleName="batch", PolicyName="p", PolicyDocument=document)

    def manifest(self, text: str, key: str = "manifest.csv") -> dict[str, Any]:
        etag = self.aws.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())["ETag"]
        spec = {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]}
        return {"Spec": spec, "Location": {"ObjectArn": f"arn:aws:s3:::{self.bucket}/{key}", "ETag": etag}}

    def request(self, operation: dict[str, Any], **more: Any) -> dict[str, Any]:
        text = f"{self.bucket},a\n{self.bucket},b%20c\n{self.bucket},d/%C3%A9\n"
        report = {"Bucket": f"arn:aws:s3:::{self.bucket}", "Format": "Report_CSV_20180820", "Enabled": True, "Prefix": "reports"}
        given = {
            "AccountId": self.aws.id,
            "Operation": operation,
            "Report": {**report, "ReportScope": "AllTasks"},
            "ClientRequestToken": "t",
            "Priority": 10,
            "RoleArn": self.role,
            "ConfirmationRequired": False,
            **more,
        }
        return given if "Manifest" in given or "ManifestGenerator" in given else {**given, "Manifest": self.manifest(text)}

    def create(self, operation: dict[str, Any], **more: Any) -> str:
        return self.control.create_job(**self.request(operation, **more))["JobId"]

    def describe(self, job: str) -> dict[str, Any]:
        return self.control.describe_job(AccountId=self.aws.id, JobId=job)["Job"]

    def until(self, job: str, *statuses: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while (found := self.describe(job))["Status"] not in statuses:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def ended(self, job: str) -> dict[str, Any]:
        return self.until(job, "Complete", "Failed", "Cancelled")

    def tags(self, key: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.aws.s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]}


@pytest.fixture
def jobs(aws: Account, control: Any) -> Jobs:
    return Jobs(aws, control)


_TAG = {"S3PutObjectTagging": {"TagSet": [{"Key": "k", "Value": "v"}]}}


def test_a_job_does_its_operation_on_each_line_and_tells_of_it(jobs: Jobs) -> None:
    job = jobs.create(_TAG, Description="tagging", Tags=[{"Key": "for", "Value": "tests"}])
    found = jobs.ended(job)
    assert found["Status"] == "Complete"
    progress = found["ProgressSummary"]
    assert (progress["TotalNumberOfTasks"], progress["NumberOfTasksSucceeded"], progress["NumberOfTasksFailed"]) == (3, 3, 0)
    assert [jobs.tags(key) for key in ("a", "b c", "d/é")] == [{"k": "v"}] * 3
    manifest = json.loads(jobs.aws.s3.get_object(Bucket=jobs.bucket, Key=f"reports/job-{job}/manifest.json")["Body"].read())
    [result] = manifest["Results"]
    text = jobs.aws.s3.get_object(Bucket=jobs.bucket, Key=result["Key"])["Body"].read().decode()
    assert list(csv.reader(io.StringIO(text)))[1] == [jobs.bucket, "b%20c", "", "succeeded", "", "200", "Successful"]
    assert result["TaskExecutionStatus"] == "succeeded"
    [listed] = jobs.control.list_jobs(AccountId=jobs.aws.id)["Jobs"]
    assert (listed["JobId"], listed["Operation"], listed["Description"]) == (job, "S3PutObjectTagging", "tagging")
    assert jobs.control.get_job_tagging(AccountId=jobs.aws.id, JobId=job)["Tags"] == [{"Key": "for", "Value": "tests"}]


def test_tasks_that_the_role_may_not_do_fail_and_are_told_of(jobs: Jobs) -> None:
    jobs.allow([*_ALL, {"Effect": "Deny", "Action": "s3:PutObjectTagging", "Resource": f"arn:aws:s3:::{jobs.bucket}/a"}])
    report = {"Bucket": f"arn:aws:s3:::{jobs.bucket}", "Format": "Report_CSV_20180820", "Enabled": True, "ReportScope": "FailedTasksOnly"}
    job = jobs.create(_TAG, Report=report)
    found = jobs.ended(job)
    assert (found["Status"], found["ProgressSummary"]["NumberOfTasksFailed"]) == ("Complete", 1)
    [result] = json.loads(jobs.aws.s3.get_object(Bucket=jobs.bucket, Key=f"job-{job}/manifest.json")["Body"].read())["Results"]
    line = jobs.aws.s3.get_object(Bucket=jobs.bucket, Key=result["Key"])["Body"].read().decode()
    assert line.startswith(f"{jobs.bucket},a,,failed,AccessDenied,403,")


def test_a_job_that_must_be_confirmed_waits(jobs: Jobs) -> None:
    job = jobs.create({"S3DeleteObjectTagging": {}}, ConfirmationRequired=True)
    found = jobs.until(job, "Suspended", "Failed")
    assert (found["SuspendedCause"], found["ProgressSummary"]["TotalNumberOfTasks"]) == ("AwaitingConfirmation", 3)
    answer = jobs.control.update_job_status(AccountId=jobs.aws.id, JobId=job, RequestedJobStatus="Ready", StatusUpdateReason="go")
    assert answer["Status"] == "Ready"
    found = jobs.ended(job)
    assert (found["Status"], found["StatusUpdateReason"]) == ("Complete", "go")
    error = refusal(jobs.control.update_job_status, AccountId=jobs.aws.id, JobId=job, RequestedJobStatus="Cancelled")
    assert error["Code"] == "JobStatusException"


def test_a_job_that_waits_can_be_cancelled(jobs: Jobs) -> None:
    job = jobs.create(_TAG, ConfirmationRequired=True)
    jobs.until(job, "Suspended")
    jobs.control.update_job_priority(AccountId=jobs.aws.id, JobId=job, Priority=42)
    jobs.control.update_job_status(AccountId=jobs.aws.id, JobId=job, RequestedJobStatus="Cancelled")
    found = jobs.describe(job)
    assert (found["Status"], found["Priority"]) == ("Cancelled", 42)
    assert jobs.tags("a") == {}


def test_objects_are_copied_below_a_prefix_with_new_metadata(jobs: Jobs) -> None:
    copy = {
        "TargetResource": f"arn:aws:s3:::{jobs.bucket}",
        "TargetKeyPrefix": "copies",
        "StorageClass": "STANDARD_IA",
        "NewObjectMetadata": {"ContentType": "text/x", "UserMetadata": {"m": "1"}},
        "NewObjectTagging": [{"Key": "t", "Value": "2"}],
    }
    assert jobs.ended(jobs.create({"S3PutObjectCopy": copy}))["Status"] == "Complete"
    head = jobs.aws.s3.head_object(Bucket=jobs.bucket, Key="copies/d/é")
    assert (head["ContentType"], head["Metadata"], head["StorageClass"]) == ("text/x", {"m": "1"}, "STANDARD_IA")
    assert jobs.tags("copies/b c") == {"t": "2"}


def test_an_inventorys_manifest_names_the_objects(jobs: Jobs) -> None:
    line = gzip.compress(f'"{jobs.bucket}","b%20c"\n'.encode())
    jobs.aws.s3.put_object(Bucket=jobs.bucket, Key="inv.csv.gz", Body=line)
    manifest = {"destinationBucket": f"arn:aws:s3:::{jobs.bucket}", "fileSchema": "Bucket, Key", "files": [{"key": "inv.csv.gz"}]}
    given = jobs.manifest(json.dumps(manifest), "manifest.json") | {"Spec": {"Format": "S3InventoryReport_CSV_20161130"}}
    assert jobs.ended(jobs.create(_TAG, Manifest=given))["ProgressSummary"]["NumberOfTasksSucceeded"] == 1
    assert (jobs.tags("b c"), jobs.tags("a")) == ({"k": "v"}, {})


def test_a_filter_finds_the_objects(jobs: Jobs) -> None:
    chosen = {"KeyNameConstraint": {"MatchAnyPrefix": ["d/", "b"]}}
    generator = {"SourceBucket": f"arn:aws:s3:::{jobs.bucket}", "Filter": chosen, "EnableManifestOutput": False}
    job = jobs.create(_TAG, ManifestGenerator={"S3JobManifestGenerator": generator})
    assert jobs.ended(job)["ProgressSummary"]["NumberOfTasksSucceeded"] == 2
    assert (jobs.tags("b c"), jobs.tags("a")) == ({"k": "v"}, {})


def test_a_manifest_that_has_changed_is_not_taken(jobs: Jobs) -> None:
    manifest = jobs.manifest("x,y\n")
    jobs.manifest("x,z\n")
    found = jobs.ended(jobs.create(_TAG, Manifest=manifest))
    assert (found["Status"], found["FailureReasons"][0]["FailureCode"]) == ("Failed", "ManifestETagMismatch")


def test_a_token_stands_for_one_job(jobs: Jobs) -> None:
    request = jobs.request(_TAG, ConfirmationRequired=True)
    job = jobs.control.create_job(**request)["JobId"]
    assert jobs.control.create_job(**request)["JobId"] == job
    assert refusal(jobs.control.create_job, **{**request, "Priority": 11})["Code"] == "IdempotencyException"


def test_what_is_no_job_is_refused(jobs: Jobs) -> None:
    assert refusal(jobs.control.describe_job, AccountId=jobs.aws.id, JobId="00000")["Code"] == "NoSuchJob"
    request = jobs.request({**_TAG, "S3DeleteObjectTagging": {}})
    assert refusal(jobs.control.create_job, **request)["Code"] == "InvalidRequest"
    generator = {"S3JobManifestGenerator": {"SourceBucket": f"arn:aws:s3:::{jobs.bucket}", "EnableManifestOutput": False}}
    assert refusal(jobs.control.create_job, **jobs.request(_TAG), ManifestGenerator=generator)["Code"] == "InvalidRequest"
