"""Figures in Matplotlib, for the panels, and for tests without a window."""
