"""Figures in Matplotlib, which the panels show and tests draw without a window."""
