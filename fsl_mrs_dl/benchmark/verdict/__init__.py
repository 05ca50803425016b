"""Task ``verdict``."""
