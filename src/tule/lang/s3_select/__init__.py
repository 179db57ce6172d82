"""The SQL of S3 Select: one query over the records of one object, as they come.

    query = parse("SELECT s.name FROM S3Object s WHERE CAST(s.age AS INT) > 30 LIMIT 5")
    rows = Run(query)
    rows.take(record)     # the row that a record gives, or None
    rows.total()          # the row of aggregates, at the end

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference.html
"""
