"""Mark values that begin with a dash, such as the metabolite -CrCH2, which argparse would take for flags."""

from collections.abc import Sequence

from fsl_mrs_dl.steps.options import Option

# An argument of a process cannot contain NUL, so that the mark is never part of a value.
_MARK = "\0"
_SHORT_FLAGS = ("-h", "-r")


def mark_values(argv: Sequence[str], options: Sequence[Option]) -> list[str]:
    """Mark the values of a command line that begin with a dash, so that argparse does not take them for flags.

    Parameters
    ----------
    argv : sequence of str
    options : sequence of Option
        Values of those with a list of texts are marked, for example ``--ignore``.

    Returns
    -------
    list of str
        To parse with :func:`unmark` as the type of these options.
    """
    lists = {f"--{option.name}" for option in options if option.kind is str and option.count is not None}
    line, inside = [], False
    for word in argv:
        if word.startswith("--") or word in _SHORT_FLAGS:
            inside = word in lists
            line.append(word)
        else:
            line.append(_MARK + word if inside and word.startswith("-") else word)
    return line


def unmark(word: str) -> str:
    """Return a value without its mark."""
    return word.removeprefix(_MARK)
