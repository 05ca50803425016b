"""Options with a fixed set of values that a table of the program gives, not the annotation itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """Allowed values of an option: ``method: Annotated[str, Choices(("gn", "sr"))]``.

    For values that are known when the module is imported but are kept elsewhere; a ``Literal`` must list them.

    Attributes
    ----------
    values : tuple of str
    help : str
        Sentences about the values, appended to what the docstring says of the option.
    """

    values: tuple[str, ...]
    help: str = ""
