"""All that happens later: jobs, logs with cursors, targets, reconcilers, leases, hints."""
