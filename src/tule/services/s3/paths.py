"""What S3 serves outside the AWS protocols."""

WEBSITE_SITE = "s3-website"
