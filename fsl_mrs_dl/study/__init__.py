"""Studies of many scans: find them by a file tree, process each, and write one table and one report."""
