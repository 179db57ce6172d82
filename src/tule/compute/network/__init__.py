"""What an instance reaches: the AWS endpoint under its real names, a resolver, and a guarded way out."""
