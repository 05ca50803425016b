"""What is shown, as numbers: NumPy and the physics of the package, neither wx nor torch."""
