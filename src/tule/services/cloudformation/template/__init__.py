"""The template language, pure: text to a document, and a document with parameters to resolved properties.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-reference.html
"""
