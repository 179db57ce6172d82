"""Where stacks are answered outside the AWS protocols."""

RESPONSES = "/_tule/cfn-response/"  # by custom resources
SIGNALS = "/_tule/cfn-signal/"  # to wait conditions
