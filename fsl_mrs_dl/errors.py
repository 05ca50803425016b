"""The exceptions of the package; all of them descend from :class:`MRSDLError`.

A message is one line that says what was found, what is needed and what to do. The command line prints
it and ends with status 2; anything else that reaches the command line is a defect of this package and
ends with its traceback and status 1.
"""


class MRSDLError(Exception):
    """Something the user can mend: found, needed, what to do."""


class DataError(MRSDLError, ValueError):
    """An input that cannot be used as it is: not NIfTI-MRS, a missing key, a wrong dimension."""


class OptionError(MRSDLError, ValueError):
    """An option, or a combination of options, that makes no sense for this input."""


class OutputError(MRSDLError, OSError):
    """A place that cannot be written, or that holds something which must not be replaced."""


class MissingDependencyError(MRSDLError, ImportError):
    """An optional package that the call needs and that is not installed."""


class ModelError(MRSDLError, ValueError):
    """A model package that is not there, is damaged, or is of a kind this version does not know."""


class IncompatibleModelError(ModelError):
    """Data outside the valid range on a model's card; the message names the field."""
