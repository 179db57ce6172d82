"""Writes the thumbnail of each picture that arrives.  Runs unchanged on AWS."""

import io
import os
from urllib.parse import unquote_plus

import boto3
from PIL import Image

s3 = boto3.client("s3")


def handler(event, context):
    made = []
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        made.append(make_thumbnail(bucket, key))
    return {"made": made}


def make_thumbnail(bucket, key):
    picture = Image.open(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    picture.thumbnail((int(os.environ["SIZE"]), int(os.environ["SIZE"])))
    small = io.BytesIO()
    picture.convert("RGB").save(small, "JPEG")
    s3.put_object(Bucket=os.environ["THUMBNAILS"], Key=key, Body=small.getvalue(), ContentType="image/jpeg")
    print(f"{key}: {picture.width}x{picture.height}")
    return key
