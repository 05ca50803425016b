"""Files of settings in TOML."""

import re
import tomllib
from pathlib import Path
from typing import Any

from fsl_mrs_dl.errors import OptionError

_LARGEST_BYTES = 2**20
"""Largest size of a file of settings: 1 MiB; one with every option has 2 KiB."""
_LARGEST_DEPTH = 16
"""Largest number of dots in a key: each makes a table in a table, and the reader's memory grows as its square."""
_QUOTED = re.compile(r"""\"[^"\n]*\"|'[^'\n]*'""")
_KEY = re.compile(r"[\w-]+(?:[ \t]*\.[ \t]*[\w-]+)*")


def read_toml(path: Path, option: str) -> dict[str, Any]:
    """Read a file of settings.

    Parameters
    ----------
    path : Path
    option : str
        Option that names the file, for messages.

    Returns
    -------
    dict

    Raises
    ------
    OptionError
        If it is not readable, not TOML, or larger than :data:`_LARGEST_BYTES`.
    """
    what = f"--{option} {path}"
    try:
        with path.open("rb") as handle:
            content = handle.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise OptionError(f"{what} is longer than {_LARGEST_BYTES} bytes; a file of settings is needed.")
        text = content.decode("utf-8")
        keys = _KEY.finditer(_QUOTED.sub("quoted", text))
        deepest = max((match.group().count(".") for match in keys), default=0)
        if deepest > _LARGEST_DEPTH:
            raise OptionError(
                f"{what} is nested too deeply: a key has {deepest} dots, at most {_LARGEST_DEPTH} are read; "
                "name = value is needed, one line an option."
            )
        return tomllib.loads(text)
    except OptionError:
        raise
    except RecursionError as error:
        raise OptionError(
            f"{what} is nested too deeply; name = value is needed, one line an option."
        ) from error
    except (OSError, ValueError) as error:  # of ValueError are those of TOML, of UTF-8, of numbers too long
        reason = " ".join(str(error).split())[:200]
        raise OptionError(f"{what} is not a readable TOML file ({reason}).") from error
