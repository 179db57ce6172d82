"""The rules of multipart uploads: limits, checksums of parts and wholes, the entity tag of what is put together.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html and qfacts.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from tule.services.s3 import checksums, errors
from tule.services.s3.checksums import COMPOSITE, FULL_OBJECT, Checksum
from tule.services.s3.state.uploads import Part, Upload

MAX_PART_NUMBER = 10_000
MIN_PART_BYTES = 5 * 1024 * 1024


def checksum_kind(params: Mapping[str, Any]) -> tuple[str, str] | None:
    """Algorithm and type that CreateMultipartUpload asks for; None is the null mode, with S3's own checksum.  Raises InvalidRequest."""
    algorithm, kind = params.get("ChecksumAlgorithm"), params.get("ChecksumType")
    if algorithm is None:
        if kind is not None:
            raise errors.invalid_request("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
        return None
    algorithm = checksums.check_algorithm(algorithm)
    if kind not in (None, COMPOSITE, FULL_OBJECT):
        raise errors.invalid_request("Value for x-amz-checksum-type header is invalid.")
    if (kind == COMPOSITE and algorithm == "CRC64NVME") or (kind == FULL_OBJECT and checksums.KINDS[algorithm].combine is None):
        raise errors.invalid_request(f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.")
    return algorithm, kind or (FULL_OBJECT if algorithm == "CRC64NVME" else COMPOSITE)


def kind_of(upload: Upload) -> tuple[str, str] | None:
    kind = upload.request.get("Checksum")
    return None if kind is None else (kind[0], kind[1])


def part_algorithm(upload: Upload) -> str:
    """What is computed of each part."""
    kind = kind_of(upload)
    return checksums.DEFAULT if kind is None else kind[0]


def kind_members(upload: Upload) -> dict[str, str]:
    kind = kind_of(upload)
    return {} if kind is None else {"ChecksumAlgorithm": kind[0], "ChecksumType": kind[1]}


def check_number(number: int) -> None:
    if not 1 <= number <= MAX_PART_NUMBER:
        message = f"Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive"
        raise errors.invalid_argument(message, "partNumber", str(number))


def chosen(upload: Upload, wanted: Sequence[Mapping[str, Any]], found: Sequence[Part]) -> list[Part]:
    """The parts that CompleteMultipartUpload names.  Raises InvalidPartOrder, InvalidPart, EntityTooSmall or InvalidRequest."""
    numbers = [each.get("PartNumber", 0) for each in wanted]
    if any(first >= second for first, second in pairwise(numbers)):
        raise errors.invalid_part_order(upload.id)
    by_number = {part.number: part for part in found}
    parts = [_matching(upload, each, by_number.get(each.get("PartNumber", 0))) for each in wanted]
    for part in parts[:-1]:
        if part.size < MIN_PART_BYTES:
            raise errors.part_too_small(part.number, part.etag, part.size, MIN_PART_BYTES)
    return parts


def _matching(upload: Upload, wanted: Mapping[str, Any], part: Part | None) -> Part:
    number, etag = wanted.get("PartNumber", 0), wanted.get("ETag", "")
    if part is None or part.etag != etag.strip('"'):
        raise errors.invalid_part(upload.id, number, etag)
    kind = kind_of(upload)
    given = {name: wanted[member] for member, name in checksums.MEMBERS.items() if wanted.get(member) is not None}
    if kind is not None and kind[1] == COMPOSITE and kind[0] not in given:
        message = (
            f"The upload was created using a {kind[0].lower()} checksum. The complete request must include the checksum for each part. "
            f"It was missing for part {number} in the request."
        )
        raise errors.invalid_request(message)
    if given and (kind is None or given != {kind[0]: part.checksum}):
        raise errors.invalid_part(upload.id, number, etag)
    return part


def check_type(upload: Upload, params: Mapping[str, Any]) -> None:
    """CompleteMultipartUpload may repeat the checksum's type, but not change it."""
    asked, kind = params.get("ChecksumType"), kind_of(upload)
    if asked is not None and (kind is None or asked != kind[1]):
        mode = "null" if kind is None else kind[1]
        message = f"The upload was created using the {mode} checksum mode. The complete request must use the same checksum mode."
        raise errors.invalid_request(message)


def whole_checksum(upload: Upload, parts: Sequence[Part]) -> Checksum:
    algorithm, kind = kind_of(upload) or (checksums.DEFAULT, FULL_OBJECT)
    if kind == COMPOSITE:
        return checksums.composite(algorithm, (part.checksum for part in parts))
    return checksums.combined(algorithm, ((part.checksum, part.size) for part in parts))


def check_whole(params: Mapping[str, Any], found: Checksum, size: int) -> None:
    """What CompleteMultipartUpload says of the whole.  Raises BadDigest or InvalidRequest."""
    said = params.get(f"Checksum{found.algorithm}")
    if said is not None and said.partition("-")[0] != found.value.partition("-")[0]:
        raise errors.bad_checksum(found.algorithm.lower())
    expected = params.get("MpuObjectSize")
    if expected is not None and expected != size:
        message = f"The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {size}"
        raise errors.invalid_request(message)


def etag(parts: Sequence[Part]) -> str:
    """The MD5 of the parts' MD5s, and how many they are."""
    digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
    return f"{digest.hexdigest()}-{len(parts)}"
