"""EventBridge's operations, named as the API's."""
