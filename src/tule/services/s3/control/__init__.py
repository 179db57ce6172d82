"""Amazon S3 Control: access points, what holds for an account as a whole, Storage Lens, tags.

Batch operations, multi-region access points, access grants and Object Lambda answer 501.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html
"""
