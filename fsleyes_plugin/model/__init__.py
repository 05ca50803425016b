"""The numbers of the viewer: NumPy and the physics of the package, neither wx nor torch."""
