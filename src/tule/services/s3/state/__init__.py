"""All SQL of the service: buckets, objects and their versions, multipart uploads.  Nothing else touches its tables."""
