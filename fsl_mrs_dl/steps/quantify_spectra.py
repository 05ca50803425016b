"""The spectra that ``quantify`` fits: points, voxels, window and times of the data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.quantification import fit_window, one_spectrum_a_voxel, voxels_to_fit
from fsl_mrs_dl.io.position import places
from fsl_mrs_dl.io.volumes import read_image, read_mask
from fsl_mrs_dl.physics.basis import covered_points
from fsl_mrs_dl.steps.quantify_times import Times
from fsl_mrs_dl.steps.registry import MIN_POINTS

_LEAST_COVERED = 3
"""A basis set must cover one in so many points of the data, for the rest to be left out by default."""


@dataclass(frozen=True)
class SpectraOptions:
    """Options of ``quantify`` that choose spectra.

    Attributes
    ----------
    mask : Path or None
        Image of the voxels to fit.
    ppmlim : tuple of float or None
        Limits of the fit, in ppm.
    points : int or None
        How many points of each FID are fitted.
    conj_fid : bool or None
        Whether data and water reference are conjugated.
    TE : float or None
        Echo time in ms.
    TR : float or None
        Repetition time in s.
    t1 : Path or None
        Structural image for the report.
    """

    mask: Path | None = None
    ppmlim: tuple[float, float] | None = None
    points: int | None = None
    conj_fid: bool | None = None
    TE: float | None = None
    TR: float | None = None
    t1: Path | None = None


@dataclass(frozen=True, eq=False)
class ScanSpectra:
    """The spectra to fit.

    Attributes
    ----------
    measured : MRSData
        As read.
    whole : MRSData
        With one spectrum a voxel.
    data : MRSData
        The points to fit, conjugated if the options say so.
    voxels : ndarray, int, shape (V, 3)
        Where the spectra to fit lie.
    window_ppm : tuple of float
        Limits of the fit.
    times : Times
    options : SpectraOptions
    """

    measured: MRSData
    whole: MRSData
    data: MRSData
    voxels: NDArray[np.intp]
    window_ppm: tuple[float, float]
    times: Times
    options: SpectraOptions

    @classmethod
    def of(cls, data: MRSData, basis: Basis, options: SpectraOptions) -> "ScanSpectra":
        """Choose the spectra.

        Parameters
        ----------
        data : MRSData
            As read.
        basis : Basis
            As read: says how many points it covers.
        options : SpectraOptions

        Raises
        ------
        DataError
            If a voxel has several spectra, an image does not fit the data or cannot be read, or a header says an
            impossible time.
        OptionError
            If an option makes no sense for the data.
        """
        times = Times.of(data, options.TE, options.TR)
        whole = one_spectrum_a_voxel(data)
        spectra = conjugated(first_points(whole, basis, options.points), options.conj_fid)
        grid = spectra.fid.shape[:3]
        if options.mask is not None and grid == (1, 1, 1):
            raise OptionError(f"--mask is for MRSI; {data.name or 'the data'} has one voxel. Leave it out.")
        if options.t1 is not None:
            read_image(
                options.t1, "t1"
            )  # the report draws it after the fit; a bad image is refused before it
            if data.affine is None:
                raise OptionError(f"{data.name or 'The data'} say no position; leave --t1 out.")
        window_ppm = fit_window(data.nucleus, options.ppmlim, spectra.ppm_axis)
        mask = None if options.mask is None else read_mask(options.mask, grid, places(data))
        voxels = voxels_to_fit(spectra, mask)
        return cls(data, whole, spectra, voxels, window_ppm, times, options)


def first_points(data: MRSData, basis: Basis, points: int | None) -> MRSData:
    """Return the data with their first points only; by default those that the basis set covers, if a third.

    Raises
    ------
    OptionError
        If there are fewer points than asked for, or too few are asked for.
    """
    if points is None:
        covered = covered_points(basis, data.dwelltime_s, data.spectrometer_frequency_mhz)
        enough = data.n_points / _LEAST_COVERED <= covered < data.n_points
        points = covered if enough else data.n_points
    if not MIN_POINTS <= points <= data.n_points:
        raise OptionError(f"--points is {points}; needed are {MIN_POINTS} to {data.n_points}.")
    return data if points == data.n_points else data.with_fid(data.fid[:, :, :, :points])


def conjugated(data: MRSData, conjugate: bool | None) -> MRSData:
    """Return the data, conjugated if the option says so."""
    return data.with_fid(data.fid.conj()) if conjugate else data
