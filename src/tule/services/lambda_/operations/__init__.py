"""Lambda's operations, named as in the API, by the thing that they work on."""
