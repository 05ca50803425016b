"""Values that begin with a dash: names of metabolites such as -CrCH2, which argparse takes for flags."""

from collections.abc import Sequence

from fsl_mrs_dl.steps.options import Option

# No argument of a process can hold NUL, so that the mark cannot be part of a value.
_MARK = "\0"
_SHORT_FLAGS = ("-h", "-r")


def marked(argv: Sequence[str], options: Sequence[Option]) -> list[str]:
    """Return a command line whose values with a leading dash argparse cannot take for flags.

    Parameters
    ----------
    argv : sequence of str
    options : sequence of Option
        Marked are values of those that take a list of texts, as ``--ignore`` does.

    Returns
    -------
    list of str
        To be parsed with :func:`unmarked` as type of these options.
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


def unmarked(word: str) -> str:
    """Return a value as it was given."""
    return word.removeprefix(_MARK)
