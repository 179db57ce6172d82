"""What SNS serves outside the AWS protocols."""

CERTIFICATES = "/SimpleNotificationService-"
OPT_OUT = "/_tule/sns/opt-out"
