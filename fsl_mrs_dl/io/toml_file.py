"""Files of settings in TOML."""

import re
import tomllib
from pathlib import Path
from typing import Any

from fsl_mrs_dl.errors import OptionError

_MOST_BYTES = 2**20
"""Of a file of settings: 1 MiB; one with every option has 2 KiB."""
_MOST_DOTS = 16
"""In one key: each makes a table in a table, and the reader takes the square of their number of memory."""
_QUOTED = re.compile(r"""\"[^"\n]*\"|'[^'\n]*'""")
_KEY = re.compile(r"[\w-]+(?:[ \t]*\.[ \t]*[\w-]+)*")


def read_toml(path: Path, option: str) -> dict[str, Any]:
    """Read a file of settings.

    Parameters
    ----------
    path : Path
    option : str
        That names it, for messages.

    Returns
    -------
    dict

    Raises
    ------
    OptionError
        If it is not readable, not TOML, or larger than settings are.
    """
    what = f"--{option} {path}"
    try:
        with path.open("rb") as handle:
            content = handle.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise OptionError(f"{what} is longer than {_MOST_BYTES} bytes; a file of settings is needed.")
        text = content.decode("utf-8")
        keys = _KEY.finditer(_QUOTED.sub("quoted", text))
        deepest = max((found.group().count(".") for found in keys), default=0)
        if deepest > _MOST_DOTS:
            raise OptionError(
                f"{what} is nested too deeply: a key has {deepest} dots, at most {_MOST_DOTS} are read; name = "
                "value is needed, one line an option."
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
