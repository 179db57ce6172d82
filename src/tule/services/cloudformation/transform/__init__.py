"""Transforms: what makes a template of another template before CloudFormation reads it.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-reference.html
"""
