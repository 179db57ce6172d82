"""The rows of DynamoDB."""
