"""Generate the data file of AWS's managed policies from a checkout of the iam-dataset (MIT licence, Ian Mckay).

    git clone https://github.com/iann0036/iam-dataset
    python scripts/generate_managed_policies.py iam-dataset

Reads `aws/managedpolicies/*.json` of the repository's HEAD and writes
`src/tule/services/iam/data/managed_policies.json.xz`: a list of [ARN, default version, created, updated, document].
Documents that a partial checkout lacks come from `_LACKING`, or are left out and named.  Policies that AWS has withdrawn have no ARN there
and are left out.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "src/tule/services/iam/data/managed_policies.json.xz"
FOLDER = "aws/managedpolicies"

# Two policies whose files are too large for most mirrors.  AWS managed policy reference.
_LACKING: dict[str, dict[str, Any]] = {
    "AdministratorAccess": {
        "arn": "arn:aws:iam::aws:policy/AdministratorAccess",
        "version": "v1",
        "createdate": "2015-02-06T18:39:46+00:00",
        "updatedate": "2015-02-06T18:39:46+00:00",
        "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
    },
    "PowerUserAccess": {
        "arn": "arn:aws:iam::aws:policy/PowerUserAccess",
        "version": "v5",
        "createdate": "2015-02-06T18:39:47+00:00",
        "updatedate": "2023-07-06T22:04:00+00:00",
        "document": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Action": [
                        "iam:CreateServiceLinkedRole",
                        "iam:DeleteServiceLinkedRole",
                        "iam:ListRoles",
                        "organizations:DescribeOrganization",
                        "account:ListRegions",
                        "account:GetAccountInformation",
                    ],
                    "Resource": "*",
                },
            ],
        },
    },
}


def main(checkout: Path) -> None:
    policies = sorted(_policies(checkout), key=lambda policy: policy["arn"])
    rows = [
        [policy["arn"], policy["version"], policy["createdate"], policy["updatedate"], json.dumps(policy["document"], separators=(",", ":"))]
        for policy in policies
    ]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(lzma.compress(json.dumps(rows, separators=(",", ":")).encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{len(rows)} policies, {TARGET.stat().st_size} bytes")


def _policies(checkout: Path) -> Iterator[dict[str, Any]]:
    for name, text in _files(checkout):
        policy = _LACKING.get(name) if text is None else json.loads(text)
        if policy is not None and policy.get("arn"):
            yield policy
        elif policy is None:
            print(f"left out: {name}", file=sys.stderr)


def _files(checkout: Path) -> Iterator[tuple[str, bytes | None]]:
    """Names and contents of the folder's files at HEAD; None where the object is missing."""
    listing = _git(checkout, ["ls-tree", f"HEAD:{FOLDER}"]).decode().splitlines()
    objects = [(line.split("\t")[1].removesuffix(".json"), line.split()[2]) for line in listing]
    out = _git(checkout, ["cat-file", "--batch"], "\n".join(name for _, name in objects) + "\n")
    at = 0
    for name, _ in objects:
        end = out.index(b"\n", at)
        header, at = out[at:end].split(), end + 1
        if header[1] == b"missing":
            yield name, None
            continue
        size = int(header[2])
        yield name, out[at : at + size]
        at += size + 1


def _git(checkout: Path, arguments: list[str], text: str = "") -> bytes:
    return subprocess.run(["git", "-C", str(checkout), *arguments], input=text.encode(), capture_output=True, check=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
