"""Exceptions of the package; all of them derive from :class:`MRSDLError`.

A message is one line: what was found, what is needed, what to do. The command line prints it and exits with
status 2. Any other exception is a defect of this package: it is shown with its traceback, and the status is 1.
"""


class MRSDLError(Exception):
    """A problem that the user can solve; the message says how."""


class DataError(MRSDLError, ValueError):
    """An input that cannot be used: not NIfTI-MRS, a missing key, a wrong dimension."""


class OptionError(MRSDLError, ValueError):
    """An option, or a combination of options, that does not fit this input."""


class OutputError(MRSDLError, OSError):
    """An output path that cannot be written, or that holds files which must not be replaced."""


class MissingDependencyError(MRSDLError, ImportError):
    """An optional package that is needed and not installed."""


class ModelError(MRSDLError, ValueError):
    """A model package that is missing, damaged, or of a kind that this version cannot load."""


class IncompatibleModelError(ModelError):
    """Data outside the valid range of a model's card; the message names the field of the card."""
