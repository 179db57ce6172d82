"""Function URLs: functions that answer HTTP under a host of their own.  AWS: Lambda developer guide, function URLs."""
