"""Many scans: found by a file tree, processed each by itself, and brought together in one table and report."""
