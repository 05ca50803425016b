"""Estimation by the physics itself: registration of transients, and the Fisher matrix behind every SD."""
