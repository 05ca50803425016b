"""Call FSL-MRS where it is installed, to compare it with our steps. No other module imports ``fsl_mrs``.

FSL-MRS is not on PyPI and its licence is non-commercial. So it is optional, imported when it is called, and
none of its code is copied. https://open.win.ox.ac.uk/pages/fsl/fsl_mrs
"""

import contextlib
import importlib
import importlib.util
import sys
import warnings
from typing import Any

import numpy as np
from nifti_mrs.nifti_mrs import NIFTI_MRS
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import MissingDependencyError

_NEEDED = "Install FSL-MRS with FSL's conda channel (conda install -c conda-forge -c FSLCONDA fsl_mrs)."


def available() -> bool:
    """Return whether FSL-MRS is installed, without importing it."""
    return importlib.util.find_spec("fsl_mrs") is not None


def process(function: str, data: NIFTI_MRS, **options: Any) -> NIFTI_MRS:
    """Run a processing function of FSL-MRS, the one that ``fsl_mrs_proc`` calls.

    Parameters
    ----------
    function : str
        Name in ``fsl_mrs.utils.preproc.nifti_mrs_proc``, for example ``"align"``, ``"average"``,
        ``"coilcombine"``, ``"ecc"``, ``"remove_peaks"``.
    data : NIFTI_MRS
        Not changed.
    **options
        Options of the function; a ``NIFTI_MRS`` is converted to FSL-MRS's own type.

    Returns
    -------
    NIFTI_MRS
        FSL-MRS's own type, which is a ``nifti_mrs.NIFTI_MRS``.

    Raises
    ------
    MissingDependencyError
        If FSL-MRS is not installed or does not start.
    """
    module = _module("fsl_mrs.utils.preproc.nifti_mrs_proc")
    options = {key: _own(value) if isinstance(value, NIFTI_MRS) else value for key, value in options.items()}
    with contextlib.redirect_stdout(sys.stderr):  # it prints advice; standard output is for results
        result: NIFTI_MRS = getattr(module, function)(_own(data), **options)
    return result


def version() -> str:
    """Return the version of FSL-MRS; ``"0+unknown"`` for one built without its history.

    Raises
    ------
    MissingDependencyError
        If FSL-MRS is not installed or does not start.
    """
    return str(_module("fsl_mrs").__version__)


def _own(data: NIFTI_MRS) -> NIFTI_MRS:
    """Return a copy as FSL-MRS's own type; the data are copied first, as the new object shares their header."""
    copied: NIFTI_MRS = _module("fsl_mrs.core").NIFTI_MRS(data.copy())
    return copied


def _module(name: str) -> Any:
    """Import a module of FSL-MRS, or raise MissingDependencyError with the install command."""
    try:
        with warnings.catch_warnings():
            # Its dependency hlsvdpropy imports pkg_resources, which warns that it will go.
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(f"FSL-MRS cannot be imported ({error}). {_NEEDED}") from error


def fit(
    fid: NDArray[np.complexfloating],
    basis: Basis,
    ppmlim: tuple[float, float],
    baseline: str,
    model: str = "voigt",
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Fit one spectrum with FSL-MRS's Newton.

    Parameters
    ----------
    fid : ndarray, complex, shape (time,)
        In memory sign.
    basis : Basis
        With the points and dwell time of ``fid``.
    ppmlim : tuple of float
        Limits of the fit, in ppm.
    baseline : str
        As in ``fsl_mrs --baseline``.
    model : str
        FSL-MRS's name of the lineshape.

    Returns
    -------
    amplitudes, sd : ndarray, float, shape (metabolite,)
        In units of data over basis, in the order of ``basis``; FSL-MRS's own SD.

    Raises
    ------
    MissingDependencyError
        If FSL-MRS is not installed or does not start.
    """
    hertz = basis.spectrometer_frequency_mhz * 1e6
    bandwidth = 1 / basis.dwelltime_s
    header = {"centralFrequency": hertz, "bandwidth": bandwidth, "dwelltime": basis.dwelltime_s, "fwhm": None}
    theirs = _module("fsl_mrs.core.basis").Basis(
        np.asarray(basis.fids).T, list(basis.names), [header] * len(basis.names)
    )
    mrs = _module("fsl_mrs.core").MRS(
        FID=np.array(fid), cf=hertz, bw=bandwidth, nucleus=basis.nucleus, basis=theirs
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its optimiser warns of states from which it recovers by itself
        mrs.processForFitting()
        result = mrs.fit(ppmlim=ppmlim, method="Newton", baseline=baseline, model=model)
    scale = mrs.scaling["basis"] / mrs.scaling["FID"]
    amplitudes = np.array([float(np.ravel(result.getConc(metab=name))[0]) for name in basis.names]) * scale
    percent = np.ravel(result.getUncertainties(type="percentage", metab=list(basis.names)))
    return amplitudes, np.abs(amplitudes) * percent / 100
