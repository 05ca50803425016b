"""Estimate by the physics itself: registration, linear-combination fits, and the Fisher matrix behind every SD."""
