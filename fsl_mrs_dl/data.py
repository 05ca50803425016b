"""What the package computes on: MRS data, basis sets, estimates and flags. NumPy only.

Sign convention, written once for the whole package: in memory, downfield is *positive* frequency, so that
``ppm = reference + frequency / spectrometer_frequency`` (reference 4.65 ppm for 1H). This is the convention
of FSL-MRS and of ``nifti_mrs.NIFTI_MRS.__getitem__``; on disk NIfTI-MRS stores the complex conjugate (Levitt
1997, doi:10.1006/jmre.1997.1161), which only :mod:`fsl_mrs_dl.io.nifti` knows. A transient simulated with
+5 Hz and +30 degrees is *estimated* as +5 Hz and +30 degrees; a correction subtracts the estimate.
"""

import hashlib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.sampling import NUCLEI as NUCLEI
from fsl_mrs_dl.sampling import Nucleus as Nucleus
from fsl_mrs_dl.sampling import check_sampling

Complex = NDArray[np.complexfloating]
Real = NDArray[np.floating]

TIME_AXIS = 3
"""Axis of the FID's points in NIfTI-MRS order (x, y, z, time, dim 5, dim 6, dim 7)."""
TISSUES = ("WM", "GM", "CSF")
"""White matter, grey matter and CSF, in the order that every option, file and table has."""


@dataclass(frozen=True)
class Flag:
    """A fault that one FID can have: its bit in ``qc/flags``, its meaning and its severity.

    Attributes
    ----------
    bit : int
    meaning : str
    severity : str
        Best verdict that the result can still get: ``note`` does not limit it, ``usable`` and ``unusable`` do.
    """

    bit: int
    meaning: str
    severity: str = "note"


REPLACED = "replaced"
"""Token of an estimate of a classical method in place of a network's; as usable as one without a flag."""
FLAGS: Mapping[str, Flag] = MappingProxyType(
    {
        "nonfinite": Flag(0, "the FID holds NaN or Inf; it was left as it is", "unusable"),
        "zero": Flag(1, "the FID is zero everywhere; it was left as it is", "unusable"),
        "no_convergence": Flag(2, "the estimate did not settle within the allowed iterations", "unusable"),
        "out_of_range": Flag(
            3, "the estimate lies at the edge of the searched range, or seems to lie beyond", "usable"
        ),
        "low_snr": Flag(4, "the expected error of the estimate is too large to use it", "unusable"),
        "poor_fit": Flag(
            5, "more than noise is left: the residual exceeds a quarter of the fitted signal", "usable"
        ),
        "unlike": Flag(6, "the corrected FID is not like the average of the others"),
        "unmodelled_line": Flag(7, "a line stands out of the residual that no metabolite describes"),
        "model_misfit": Flag(8, "the residual is not noise: errors are twice the bounds or more"),
        REPLACED: Flag(9, "the data do not support the network's estimate; a classical one is in its place"),
    }
)
"""Table of flags: token in ``N_align.csv`` -> bit in ``qc/flags.nii.gz``, meaning and severity."""


@dataclass(frozen=True)
class Level:
    """One verdict on a fitted spectrum: its code in ``qc/verdict`` and its meaning."""

    code: int
    meaning: str


VERDICTS: Mapping[str, Level] = MappingProxyType(
    {
        "not fitted": Level(0, "nothing was fitted"),
        "good": Level(1, "as good as spectra of healthy brains on the scanners of the calibration are"),
        "usable": Level(2, "usable for what the reason does not touch"),
        "unusable": Level(3, "not to be used"),
    }
)
"""Verdict in ``qc.csv`` -> code in ``qc/verdict.nii.gz`` and its meaning."""


_LEAST_MAGNITUDE, _LARGEST_MAGNITUDE = 1e-150, 1e150
"""In units of the file. Squares of magnitudes in between neither underflow nor overflow in double precision."""


def fid_flags(fid: Complex, axis: int = -1) -> NDArray[np.str_]:
    """Return ``"nonfinite"``, ``"zero"`` or ``""`` for each FID.

    Parameters
    ----------
    fid : ndarray, complex
    axis : int
        Time axis.

    Returns
    -------
    ndarray, str, shape of ``fid`` without the time axis
    """
    ends = [bound for part in (fid.real, fid.imag) for bound in (part.max(axis=axis), -part.min(axis=axis))]
    largest = np.maximum.reduce(ends).astype(np.float64)  # NaN wins
    usable = np.where(largest < _LARGEST_MAGNITUDE, "", "nonfinite")
    return np.where(largest < _LEAST_MAGNITUDE, "zero", usable).astype("<U16")


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view of an array, so that a step cannot change its input by accident."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class MRSData:
    """FIDs with their axes, position and header: the type that every step takes and returns.

    Attributes
    ----------
    fid : ndarray, complex, shape (x, y, z, time[, dim 5[, dim 6[, dim 7]]])
        In memory sign (see the module); read-only.
    dwelltime_s : float
        Time between points, in s.
    spectrometer_frequency_mhz : float
        In MHz.
    nucleus : str
        For example ``"1H"``.
    dim_tags : tuple of str
        One NIfTI-MRS tag a higher dimension, for example ``("DIM_COIL", "DIM_DYN")``.
    affine : ndarray, float, shape (4, 4), or None
        Voxel to world, in mm; None where the position is not known.
    header : mapping
        Keys of the NIfTI-MRS header extension that have no field in this class, unchanged.
    dim_headers : mapping
        Tag -> ``{"info": str, "header": dict}``, either may be missing.
    processing : tuple of mapping
        The records of ``ProcessingApplied``, oldest first.
    name : str
        Name of the source file without its folder; ``""`` if there is no file.
    nifti_header : object
        NIfTI header of the source file; only :mod:`fsl_mrs_dl.io.nifti` uses it, to write the result.
    notes : tuple of str
        Decisions made while the file was read, for the record of a run.
    sidecar : bool
        Whether a JSON sidecar of BIDS-MRS stood beside the file; results then get one too.
    """

    fid: Complex
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    nucleus: str = "1H"
    dim_tags: tuple[str, ...] = ()
    affine: Real | None = None
    header: Mapping[str, Any] = field(default_factory=dict)
    dim_headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    processing: tuple[Mapping[str, Any], ...] = ()
    name: str = ""
    nifti_header: object = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    sidecar: bool = False

    def __post_init__(self) -> None:
        fid = np.asarray(self.fid)
        if not np.iscomplexobj(fid):
            raise DataError(f"The FIDs are {fid.dtype}; MRS data must be complex.")
        if not TIME_AXIS < fid.ndim <= TIME_AXIS + 4:
            raise DataError(
                f"The FIDs have shape {fid.shape}; needed are 4 to 7 dimensions (x, y, z, time, ...)."
            )
        if len(self.dim_tags) != fid.ndim - 4:
            raise DataError(
                f"{len(self.dim_tags)} dimension tags {self.dim_tags} for {fid.ndim - 4} higher dimensions "
                f"of shape {fid.shape[4:]}; name each of them once."
            )
        if len(set(self.dim_tags)) != len(self.dim_tags):
            raise DataError(f"Dimension tags {self.dim_tags} are not unique; name each dimension once.")
        check_sampling(
            self.name or "The data", self.dwelltime_s, self.spectrometer_frequency_mhz, self.nucleus
        )
        freeze = object.__setattr__
        freeze(self, "fid", _frozen(fid))
        freeze(self, "dwelltime_s", float(self.dwelltime_s))
        freeze(self, "spectrometer_frequency_mhz", float(self.spectrometer_frequency_mhz))
        freeze(self, "dim_tags", tuple(self.dim_tags))
        freeze(self, "header", MappingProxyType(deepcopy(dict(self.header))))
        freeze(self, "dim_headers", MappingProxyType(deepcopy(dict(self.dim_headers))))
        freeze(self, "processing", tuple(deepcopy(dict(record)) for record in self.processing))
        if self.affine is not None:
            freeze(self, "affine", _frozen(np.asarray(self.affine, dtype=np.float64)))

    @property
    def n_points(self) -> int:
        """Number of points of an FID."""
        return int(self.fid.shape[TIME_AXIS])

    @property
    def reference_ppm(self) -> float:
        """Chemical shift of the centre of the spectrum, in ppm (header first, then the nucleus table)."""
        default = NUCLEI[self.nucleus].reference_ppm if self.nucleus in NUCLEI else 0.0
        return float(self.header.get("SpecFreqChemShift", default)) + float(self.header.get("RxOffset", 0.0))

    @property
    def frequency_axis_hz(self) -> Real:
        """Frequencies of the exact DFT bins, ascending, in Hz; shape (time,)."""
        return np.fft.fftshift(np.fft.fftfreq(self.n_points, self.dwelltime_s))

    @property
    def ppm_axis(self) -> Real:
        """Chemical shifts of the exact DFT bins, ascending, in ppm; shape (time,)."""
        return self.reference_ppm + self.frequency_axis_hz / self.spectrometer_frequency_mhz

    def axis(self, tag: str) -> int:
        """Return the axis of a dimension tag.

        Raises
        ------
        DataError
            If the data have no such dimension.
        """
        if tag not in self.dim_tags:
            has = "no higher dimensions, one FID a voxel: it may be averaged already."
            if self.dim_tags:
                has = f"{', '.join(self.dim_tags)}. Choose one of them, or another file."
            raise DataError(f"{self.name or 'The data'} has no {tag} dimension; it has {has}")
        return 4 + self.dim_tags.index(tag)

    def with_fid(self, fid: Complex, *, without: str | None = None) -> Self:
        """Return the same data with other FIDs and, with ``without``, one dimension less.

        Parameters
        ----------
        fid : ndarray, complex
            New FIDs in NIfTI-MRS axis order; converted to the precision of the old ones.
        without : str, optional
            Tag of the dimension that ``fid`` no longer has.
        """
        tags = tuple(tag for tag in self.dim_tags if tag != without)
        headers = {tag: value for tag, value in self.dim_headers.items() if tag != without}
        return replace(self, fid=fid.astype(self.fid.dtype, copy=False), dim_tags=tags, dim_headers=headers)


@dataclass(frozen=True, eq=False)
class Basis:
    """A basis set: one noiseless FID a metabolite, in memory sign.

    Attributes
    ----------
    fids : ndarray, complex, shape (metabolite, time)
    names : tuple of str
        FSL-MRS's spelling.
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    nucleus : str
    name : str
        Name of the source file or folder, without the path; ``""`` if there is none.
    file_format : str
        Format of the source file; ``""`` if there is none.
    notes : tuple of str
        Changes made after reading, oldest first, for the record of a run.
    echo_time_s : float or None
        Echo time in the file, in s; None if the file has none.
    sequence : str
        Pulse sequence as written in the file, with the part of an edited pair (``mega-press diff``); ``""`` if
        the file has none.
    has_nucleus : bool
        Whether the file names the nucleus; if not, ``nucleus`` is an assumption that the data may correct.
    centre_ppm : float or None
        Chemical shift at frequency zero, in ppm, where it is not the usual one of the nucleus.
    left_out : mapping of str to str
        Member of the file that is not in this set -> reason, to explain an option that names it.
    """

    fids: Complex
    names: tuple[str, ...]
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    nucleus: str = "1H"
    name: str = ""
    file_format: str = ""
    notes: tuple[str, ...] = ()
    echo_time_s: float | None = None
    sequence: str = ""
    has_nucleus: bool = True
    centre_ppm: float | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fids = np.asarray(self.fids)
        if fids.ndim != 2 or fids.shape[0] != len(self.names):
            raise DataError(
                f"A basis of {len(self.names)} names needs FIDs of shape (names, time), not {fids.shape}."
            )
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise DataError(
                f"The basis has {', '.join(twice)} more than once; give each member a name of its own."
            )
        object.__setattr__(self, "fids", _frozen(fids))
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "dwelltime_s", float(self.dwelltime_s))
        object.__setattr__(self, "spectrometer_frequency_mhz", float(self.spectrometer_frequency_mhz))
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "left_out", dict(self.left_out))

    @property
    def reference_ppm(self) -> float:
        """Chemical shift of the centre of the spectrum, in ppm (its own, or that of the nucleus table)."""
        if self.centre_ppm is not None:
            return self.centre_ppm
        return NUCLEI[self.nucleus].reference_ppm if self.nucleus in NUCLEI else 0.0


def basis_hash(basis: Basis) -> str:
    """Return the SHA-256 of the names, nucleus, dwell time, frequency and FIDs of a basis set.

    Source file and notes do not count: two sets with the same hash give the same results.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    str
        64 hexadecimal digits, the same on every machine.
    """
    content = [*basis.names, basis.nucleus, basis.dwelltime_s.hex(), basis.spectrometer_frequency_mhz.hex()]
    digest = hashlib.sha256(repr(content).encode())
    digest.update(np.ascontiguousarray(basis.fids, dtype="<c16").tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of a chain.

    Attributes
    ----------
    name : str
        Name of the step; ``acquired`` for the data at the start of the chain.
    data : MRSData
        Data after the step.
    notes : tuple of str
        Decisions and results of the step, one sentence each.
    estimates : Estimates or None
        Shifts and phases that the step estimated for the FIDs of the previous stage.
    """

    name: str
    data: MRSData
    notes: tuple[str, ...] = ()
    estimates: "Estimates | None" = None


@dataclass(frozen=True, eq=False)
class Estimates:
    """Shift and phase of every FID, as estimated; all arrays have the FIDs' shape without the time axis.

    Attributes
    ----------
    shift_hz, phase_rad : ndarray, float
        Of the FID relative to the final reference, in Hz and rad: subtract them to correct.
    shift_hz_sd, phase_rad_sd : ndarray, float
        Their standard deviations; NaN where the method gives none.
    reference_shift_hz : ndarray, float
        Part of ``shift_hz`` that all FIDs of one reference share (for example ON relative to OFF), in Hz.
    flag : ndarray, str
        Empty, or a token of :data:`FLAGS`.
    """

    shift_hz: Real
    phase_rad: Real
    shift_hz_sd: Real
    phase_rad_sd: Real
    reference_shift_hz: Real
    flag: NDArray[np.str_]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Whether each FID can be used: it has no flag, or the one that says where its estimate is from."""
        return np.isin(self.flag, ("", REPLACED))

    @classmethod
    def empty(cls, shape: Iterable[int]) -> Self:
        """Return estimates of zero shift and phase, SD not known, no flag."""
        shape = tuple(shape)
        nothing, unknown, flag = np.zeros(shape), np.full(shape, np.nan), np.full(shape, "", dtype="<U16")
        return cls(nothing, nothing.copy(), unknown, unknown.copy(), nothing.copy(), flag)
