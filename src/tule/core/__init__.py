"""What every room stands on and what knows no AWS service: clock, ids, errors, ARNs, paging, tags, limits, configuration."""
