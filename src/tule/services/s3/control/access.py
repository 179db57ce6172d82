"""What S3 Control's operations need to be allowed.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tule.core import arn
from tule.platform.call import Call
from tule.platform.service import Need, Needs, Params
from tule.services.s3 import errors, tag_rules
from tule.services.s3.control.batch import run, state
from tule.services.s3.state import access_points
from tule.store.store import Tx


def own(call: Call, params: Params) -> str:
    """The account of the request, which must be the caller's.  Raises AccessDenied."""
    if params["AccountId"] != call.account:
        raise errors.access_denied()
    return call.account


def tags(call: Call, given: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags that a request puts; those of the system come only with calls between services (CloudFormation's).  Raises InvalidTag."""
    return tag_rules.from_list(given, tag_rules.BUCKET, allowed={} if call.headers else None)


def _point(action: str) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        account = own(call, params)
        name = params["Name"].rpartition("/")[2]
        found = access_points.find(tx, account, call.region, name)
        resource = arn.arn("s3", call.region, account, f"accesspoint/{name}")
        context = {} if found is None else {"s3:AccessPointNetworkOrigin": found.origin}
        return [Need(f"s3:{action}", resource, context, None if found is None else found.config.get("Policy"), account)]

    return needs


def _account(action: str) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        return [Need(f"s3:{action}", "*", {}, None, own(call, params))]

    return needs


def _of(action: str, kind: str, member: str) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        account = own(call, params)
        return [Need(f"s3:{action}", arn.arn("s3", call.region, account, f"{kind}/{params[member]}"), {}, None, account)]

    return needs


def _tagging(action: str) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        return [Need(f"s3:{action}", params["ResourceArn"], {}, None, own(call, params))]

    return needs


def _create_job(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    account = own(call, params)
    context = {"s3:RequestJobPriority": params["Priority"], "s3:RequestJobOperation": next(iter(params["Operation"]), "")}
    return [Need("s3:CreateJob", "*", context, None, account), Need("iam:PassRole", params["RoleArn"], {"iam:PassedToService": run.SERVICE})]


def _job(action: str) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        account = own(call, params)
        found = state.JOBS.get(tx, account, call.region, params["JobId"])
        context = {}
        if found is not None:
            operation = next(iter(found["Request"]["Operation"]))
            context = {"s3:ExistingJobPriority": found["Priority"], "s3:ExistingJobOperation": operation}
        return [Need(f"s3:{action}", arn.arn("s3", call.region, account, f"job/{params['JobId']}"), context, None, account)]

    return needs


_OF_JOBS = ("DescribeJob", "UpdateJobPriority", "UpdateJobStatus", "PutJobTagging", "GetJobTagging", "DeleteJobTagging")
NEEDS: dict[str, Needs] = {
    "CreateJob": _create_job,
    "ListJobs": _account("ListJobs"),
    **{name: _job(name) for name in _OF_JOBS},
    **{
        name: _point(name)
        for name in (
            "CreateAccessPoint",
            "GetAccessPoint",
            "DeleteAccessPoint",
            "PutAccessPointPolicy",
            "GetAccessPointPolicy",
            "DeleteAccessPointPolicy",
            "GetAccessPointPolicyStatus",
        )
    },
    "ListAccessPoints": _account("ListAccessPoints"),
    "PutPublicAccessBlock": _account("PutAccountPublicAccessBlock"),
    "GetPublicAccessBlock": _account("GetAccountPublicAccessBlock"),
    "DeletePublicAccessBlock": _account("PutAccountPublicAccessBlock"),
    **{
        name: _of(name, "storage-lens", "ConfigId")
        for name in (
            "PutStorageLensConfiguration",
            "GetStorageLensConfiguration",
            "DeleteStorageLensConfiguration",
            "PutStorageLensConfigurationTagging",
            "GetStorageLensConfigurationTagging",
            "DeleteStorageLensConfigurationTagging",
        )
    },
    "ListStorageLensConfigurations": _account("ListStorageLensConfigurations"),
    **{name: _of(name, "storage-lens-group", "Name") for name in ("GetStorageLensGroup", "UpdateStorageLensGroup", "DeleteStorageLensGroup")},
    "CreateStorageLensGroup": _account("CreateStorageLensGroup"),
    "ListStorageLensGroups": _account("ListStorageLensGroups"),
    **{name: _tagging(name) for name in ("TagResource", "UntagResource", "ListTagsForResource")},
}
