"""What Lambda serves outside the AWS protocols."""

DOWNLOADS = "/_tule/code/"
URLS = "/_tule/lambda-url/"
URL_SITE = "lambda-url"
