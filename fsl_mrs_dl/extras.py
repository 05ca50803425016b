"""Packages that may be absent: the one door to them, and the line that says how to install them."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fsl_mrs_dl.errors import MissingDependencyError

PACKAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "torch": ("torch", "fsl-mrs-dl[networks]"),
        "lightning": ("lightning", "fsl-mrs-dl[networks]"),
        "safetensors": ("safetensors", "fsl-mrs-dl[networks]"),
        "sklearn": ("scikit-learn", "fsl-mrs-dl[networks]"),
        "optuna": ("optuna", "fsl-mrs-dl[studies]"),
        "umap": ("umap-learn", "fsl-mrs-dl[studies]"),
        "mrsandbox": ("mrsandbox", "fsl-mrs-dl[basis]"),
        "spec2nii": ("spec2nii", "fsl-mrs-dl[convert]"),
        "distributed": ("distributed", "fsl-mrs-dl[pipeline]"),
        "file_tree": ("file-tree", "fsl-mrs-dl[pipeline]"),
        # Of the plain install; an environment that was made by hand may lack them.
        "plotly": ("plotly", "plotly"),
        "matplotlib": ("matplotlib", "matplotlib"),
    }
)
"""Name of the module -> name of its package, and what pip is to install."""


def require(module: str, by: str) -> Any:
    """Import a module of a package that may be absent.

    Parameters
    ----------
    module : str
        One of :data:`PACKAGES`, or a module inside.
    by : str
        What needs it, the subject of the message: ``train align``.

    Returns
    -------
    module

    Raises
    ------
    MissingDependencyError
        If it cannot be imported; one line with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise absent(module, by, error) from error


def absent(module: str, by: str, error: ImportError | None = None) -> MissingDependencyError:
    """Return the error that says how to install a package.

    Parameters
    ----------
    module : str
        One of :data:`PACKAGES`, or a module inside.
    by : str
        What needs it.
    error : ImportError, optional
        Why it cannot be imported. Default: it is not installed.
    """
    root = module.partition(".")[0]
    package, requirement = PACKAGES[root]
    state = "is not installed"
    if error is not None and not (isinstance(error, ModuleNotFoundError) and error.name == root):
        state = f"cannot be imported ({(str(error).splitlines() or [type(error).__name__])[0]})"
    quoted = f'"{requirement}"' if "[" in requirement else requirement
    return MissingDependencyError(
        f"{by} needs {package}, which {state}. Install it with: pip install {quoted}"
    )


def explained(error: ImportError, by: str) -> ImportError:
    """Return an import error as the line that says how to install the package; as it is where it is another's.

    Parameters
    ----------
    error : ImportError
        Raised by an import statement somewhere below.
    by : str
        What needs the package.
    """
    known = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in PACKAGES
    return absent(str(error.name), by, error) if known else error
