"""Deep-learning steps for magnetic resonance spectroscopy, beside FSL-MRS and in FSLeyes.

The rooms of the package and the direction of its imports are written down in ``pyproject.toml``
(``[tool.importlinter]``) and explained in ``docs/explanation/architecture.md``.
"""

__version__ = "0.1.0"
