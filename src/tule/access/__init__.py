"""Who calls (Signature v4, sessions) and may they (the IAM engine and its explanations)."""
