"""The IAM policy engine: documents, compiled once into closures, and the logic that makes one decision of many policies.

AWS: "Policy evaluation logic", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""
