"""S3's errors by name, with its codes and texts.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

from __future__ import annotations

from collections.abc import Iterable

from tule.core.errors import ServiceError


def no_such_bucket(name: str) -> ServiceError:
    return ServiceError("NoSuchBucket", "The specified bucket does not exist", 404, fields={"BucketName": name})


def bucket_already_exists(name: str) -> ServiceError:
    message = (
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
        "Please select a different name and try again."
    )
    return ServiceError("BucketAlreadyExists", message, 409, fields={"BucketName": name})


def bucket_already_owned_by_you(name: str) -> ServiceError:
    message = "Your previous request to create the named bucket succeeded and you already own it."
    return ServiceError("BucketAlreadyOwnedByYou", message, 409, fields={"BucketName": name})


def bucket_not_empty(name: str, *, versioned: bool) -> ServiceError:
    message = "The bucket you tried to delete is not empty"
    if versioned:
        message += ". You must delete all versions in the bucket."
    return ServiceError("BucketNotEmpty", message, 409, fields={"BucketName": name})


def invalid_bucket_name(name: str) -> ServiceError:
    return ServiceError("InvalidBucketName", "The specified bucket is not valid.", 400, fields={"BucketName": name})


def invalid_location_constraint(constraint: str) -> ServiceError:
    return ServiceError("InvalidLocationConstraint", "The specified location-constraint is not valid", 400, fields={"LocationConstraint": constraint})


def illegal_location_constraint(constraint: str | None) -> ServiceError:
    message = f"The {constraint or 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to."
    return ServiceError("IllegalLocationConstraintException", message, 400)


def no_such_configuration(code: str, message: str, bucket: str) -> ServiceError:
    """The 404 of a bucket's sub-resource that was never set."""
    return ServiceError(code, message, 404, fields={"BucketName": bucket})


def access_denied(message: str = "Access Denied") -> ServiceError:
    return ServiceError("AccessDenied", message, 403)


def invalid_expected_owner(owner: str) -> ServiceError:
    message = f"The value of the expected bucket owner parameter must be an AWS Account ID... [{owner}]"
    return ServiceError("InvalidBucketOwnerAWSAccountID", message, 400)


def no_such_key(key: str) -> ServiceError:
    return ServiceError("NoSuchKey", "The specified key does not exist.", 404, fields={"Key": key})


def delete_marker_is_current(key: str, version: str) -> ServiceError:
    """A key whose current version is a delete marker does not exist, and the answer says why."""
    error = no_such_key(key)
    error.headers = {"x-amz-delete-marker": "true", "x-amz-version-id": version}
    return error


def no_such_version(key: str, version: str) -> ServiceError:
    return ServiceError("NoSuchVersion", "The specified version does not exist.", 404, fields={"Key": key, "VersionId": version})


def version_is_delete_marker(method: str, version: str, modified: str) -> ServiceError:
    return ServiceError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        fields={"Method": method, "ResourceType": "DeleteMarker"},
        headers={"x-amz-delete-marker": "true", "x-amz-version-id": version, "last-modified": modified, "allow": "DELETE"},
    )


def key_too_long(key: str) -> ServiceError:
    size = str(len(key.encode()))
    return ServiceError("KeyTooLongError", "Your key is too long", 400, fields={"Size": size, "MaxSizeAllowed": "1024"})


def invalid_argument(message: str, name: str, value: str | None = None) -> ServiceError:
    fields: dict[str, str] = {"ArgumentName": name}
    if value is not None:
        fields["ArgumentValue"] = value
    return ServiceError("InvalidArgument", message, 400, fields=fields)


def bad_continuation_token(token: str | None) -> ServiceError:
    return invalid_argument("The continuation token provided is incorrect", "continuation-token", token)


def invalid_request(message: str) -> ServiceError:
    return ServiceError("InvalidRequest", message, 400)


def invalid_bucket_state(message: str) -> ServiceError:
    return ServiceError("InvalidBucketState", message, 409)


def malformed_xml() -> ServiceError:
    return ServiceError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400)


def header_not_implemented(header: str, additional: str | None = None) -> ServiceError:
    """S3's own 501: a header it does not take here."""
    fields = {"Header": header}
    if additional:
        fields["additionalMessage"] = additional
    return ServiceError("NotImplemented", "A header you provided implies functionality that is not implemented", 501, fields=fields)


def precondition_failed(condition: str) -> ServiceError:
    return ServiceError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412, fields={"Condition": condition})


def not_modified(headers: dict[str, str]) -> ServiceError:
    return ServiceError("304", "Not Modified", 304, headers=headers)


def invalid_range(requested: str, size: int) -> ServiceError:
    return ServiceError(
        "InvalidRange",
        "The requested range is not satisfiable",
        416,
        fields={"RangeRequested": requested, "ActualObjectSize": str(size)},
        headers={"content-range": f"bytes */{size}"},
    )


def invalid_part_number(requested: int, actual: int) -> ServiceError:
    return ServiceError(
        "InvalidPartNumber",
        "The requested partnumber is not satisfiable",
        416,
        fields={"PartNumberRequested": str(requested), "ActualPartCount": str(actual)},
    )


def missing_content_length() -> ServiceError:
    return ServiceError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)


def incomplete_body() -> ServiceError:
    return ServiceError("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header", 400)


def entity_too_large(size: int, limit: int) -> ServiceError:
    return ServiceError(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        400,
        fields={"ProposedSize": str(size), "MaxSizeAllowed": str(limit)},
    )


def invalid_digest(value: str) -> ServiceError:
    return ServiceError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400, fields={"Content-MD5": value})


def bad_content_md5(expected: str, calculated: str) -> ServiceError:
    return ServiceError(
        "BadDigest",
        "The Content-MD5 you specified did not match what we received.",
        400,
        fields={"ExpectedDigest": expected, "CalculatedDigest": calculated},
    )


def bad_checksum(algorithm: str) -> ServiceError:
    return ServiceError("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.", 400)


def invalid_checksum_header(header: str) -> ServiceError:
    return invalid_request(f"Value for {header} header is invalid.")


def metadata_too_large(size: int) -> ServiceError:
    return ServiceError(
        "MetadataTooLarge",
        "Your metadata headers exceed the maximum allowed metadata size",
        400,
        fields={"Size": str(size), "MaxSizeAllowed": "2048"},
    )


def invalid_storage_class() -> ServiceError:
    return ServiceError("InvalidStorageClass", "The storage class you specified is not valid", 400)


def invalid_destinations(problems: Iterable[tuple[str, str]]) -> ServiceError:
    """Notification destinations that S3 could not reach: pairs of ARN and what is wrong with it."""
    fields: dict[str, str] = {}
    for number, (name, value) in enumerate(problems, 1):
        fields |= {f"ArgumentName{number}": name, f"ArgumentValue{number}": value}
    return ServiceError("InvalidArgument", "Unable to validate the following destination configurations", 400, fields=fields)


def malformed_trailer() -> ServiceError:
    return ServiceError(
        "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.", 400
    )


def public_policy_blocked(caller: str, resource: str) -> ServiceError:
    message = (
        f'User: {caller} is not authorized to perform: s3:PutBucketPolicy on resource: "{resource}" '
        "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access."
    )
    return access_denied(message)


def unexpected_content() -> ServiceError:
    return ServiceError("UnexpectedContent", "This request does not support content", 400)


def missing_security_header(header: str) -> ServiceError:
    message = "Your request was missing a required header"
    return ServiceError("MissingSecurityHeader", message, 400, fields={"MissingHeaderName": header})


def copy_to_itself() -> ServiceError:
    message = (
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, "
        "storage class, website redirect location or encryption attributes."
    )
    return invalid_request(message)


def invalid_object_state(storage_class: str) -> ServiceError:
    message = "The operation is not valid for the object's storage class"
    return ServiceError("InvalidObjectState", message, 403, fields={"StorageClass": storage_class})


def no_such_upload(upload_id: str) -> ServiceError:
    message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    return ServiceError("NoSuchUpload", message, 404, fields={"UploadId": upload_id})


def invalid_part(upload_id: str, number: int, etag: str) -> ServiceError:
    message = (
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag "
        "may not match the part's entity tag."
    )
    return ServiceError("InvalidPart", message, 400, fields={"UploadId": upload_id, "PartNumber": str(number), "ETag": etag.strip('"')})


def invalid_part_order(upload_id: str) -> ServiceError:
    message = "The list of parts was not in ascending order. Parts must be ordered by part number."
    return ServiceError("InvalidPartOrder", message, 400, fields={"UploadId": upload_id})


def part_too_small(number: int, etag: str, size: int, least: int) -> ServiceError:
    return ServiceError(
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
        400,
        fields={"ProposedSize": str(size), "MinSizeAllowed": str(least), "PartNumber": str(number), "ETag": etag},
    )


def no_such_lock(key: str) -> ServiceError:
    message = "The specified object does not have a ObjectLock configuration"
    return ServiceError("NoSuchObjectLockConfiguration", message, 404, fields={"Key": key})


def bypass_not_applicable() -> ServiceError:
    message = "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets."
    return invalid_argument(message, "x-amz-bypass-governance-retention")
