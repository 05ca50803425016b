"""Simulate an MRSI phantom: a head of known tissues, metabolite maps, field and phase, and a structural image."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.io.synthetic import synthetic_header
from fsl_mrs_dl.physics import add_noise, on_points
from fsl_mrs_dl.physics.lines import WILSON_2011, gamma_from_fwhm, line_basis, sigma_from_fwhm
from fsl_mrs_dl.simulate.brain import BRAIN_RANGES, macromolecules
from fsl_mrs_dl.simulate.distributions import Fixed
from fsl_mrs_dl.simulate.head import BRAIN, T1_CONTRAST, TISSUES, Head, draw_head, tissue_labels
from fsl_mrs_dl.simulate.priors import Noise, SnrDefinition
from fsl_mrs_dl.simulate.signals import clean_fids, metabolite_fids, noise_sigma

LIPID = "Lip"
CONTRAST = {
    # metabolite: white matter, grey matter, lesion, over the middle of its range
    "NAA": (0.9, 1.0, 0.35),
    "NAAG": (1.4, 0.7, 0.4),
    "Cr": (0.85, 1.15, 0.8),
    "PCr": (0.85, 1.15, 0.8),
    "GPC": (1.15, 0.9, 2.2),
    "PCh": (1.15, 0.9, 2.2),
    "Ins": (0.85, 1.1, 1.3),
    "Glu": (0.75, 1.2, 0.6),
    "Gln": (0.7, 1.2, 1.1),
    "GABA": (0.6, 1.3, 0.6),
    "Lac": (0.8, 1.0, 6.0),
}
"""Differences between tissues: round numbers in the known direction (more choline and NAAG in white matter, more
creatine and glutamate in grey matter, more choline and lactate and less NAA in a tumour); not measured."""

_VOXEL_MM = (12.0, 12.0, 15.0)  # usual MRSI of the head
_SUBSAMPLES = (6, 6, 5)  # points in a voxel, along x, y, z, that determine its tissue fractions
_T1_MM = (1.5, 1.5, 3.0)  # voxel of the structural image
_T1_NOISE_SD = 18.0  # noise of the structural image, in units of T1_CONTRAST: 3 % of white matter
_LEAST_BRAIN_SHARE = 0.5  # of the volume of a voxel in the mask
_LOG_SPREAD = 0.05  # standard deviation of the logarithm of amplitudes between heads
_MACROMOLECULE_RATIO = 0.2  # first point over that of the metabolites: the middle of brain.MACROMOLECULES
_LIPID_SPREAD_VOXELS = 0.6  # standard deviation of the blur of scalp lipid: it reaches the next voxel
_HALF_MM = 80.0  # length unit of the polynomials of the field: half of the head


@dataclass(frozen=True, eq=False)
class Phantom:
    """A simulated MRSI scan with its true parameters.

    Attributes
    ----------
    data : MRSData
        With noise, shape (x, y, z, time); zero outside of the mask.
    clean : ndarray, complex, shape (x, y, z, time)
        The same without noise.
    basis : Basis
        The basis set on the points of the data, with lipid as last member if there is any.
    amplitudes : ndarray, float, shape (x, y, z, metabolite)
        Of the members of ``basis``.
    mask : ndarray, bool, shape (x, y, z)
        Voxels with at least half of their volume in the brain.
    fractions : dict of str to ndarray, float, shape (x, y, z)
        Share of each voxel's volume, by tissue (:data:`~fsl_mrs_dl.simulate.head.TISSUES`).
    parameters : dict of str to ndarray, float, shape (x, y, z)
        ``shift_hz``, ``phase_rad``, ``gamma``, ``sigma`` (rad/s).
    noise_sigma : float
        Of the real and of the imaginary channel, the same in all voxels.
    t1 : ndarray, int16, shape (i, j, k)
        A T1-like structural image of the whole head.
    t1_affine : ndarray, float, shape (4, 4)
        Voxel to world of ``t1``, in mm.
    head : Head
    """

    data: MRSData
    clean: Complex
    basis: Basis
    amplitudes: Real
    mask: NDArray[np.bool_]
    fractions: dict[str, Real]
    parameters: dict[str, Real]
    noise_sigma: float
    t1: NDArray[np.int16]
    t1_affine: Real
    head: Head


def simulate_phantom(
    basis: Basis,
    shape: tuple[int, int, int] = (16, 16, 1),
    *,
    rng: np.random.Generator,
    n_points: int | None = None,
    dwelltime_s: float | None = None,
    spectrometer_frequency_mhz: float | None = None,
    snr: float = 30.0,
    snr_definition: SnrDefinition = "snr_f",
    lipid: float = 0.0,
    voxel_mm: tuple[float, float, float] = _VOXEL_MM,
    seed: int | None = None,
) -> Phantom:
    """Simulate MRSI of a head with a lesion.

    Amplitudes of a voxel are those of its tissues, weighted by volume. There is no point spread function, except
    for lipid. Every metabolite with a known range in the brain is present, and members called MM at a fixed ratio.

    Parameters
    ----------
    basis : Basis
    shape : tuple of int
        Voxels along x, y, z.
    rng : numpy.random.Generator
    n_points : int, optional
        Default: that of the basis set, as for the next two.
    dwelltime_s : float, optional
        In s.
    spectrometer_frequency_mhz : float, optional
        In MHz; of the field of the basis set.
    snr : float
        Of the median voxel of the brain.
    snr_definition : {"snr_t0", "snr_f", "snr_db"}
        See :class:`~fsl_mrs_dl.simulate.priors.Noise`.
    lipid : float
        First point of a voxel of scalp alone, over that of the metabolites of the median voxel; the blur of the
        scalp reaches the rim of the brain. 0 = none.
    voxel_mm : tuple of float
        In mm.
    seed : int, optional
        Seed of ``rng``, for the header.

    Returns
    -------
    Phantom

    Raises
    ------
    DataError
        If the basis set is too short or of another field.
    """
    basis = on_points(
        basis,
        n_points or basis.fids.shape[1],
        dwelltime_s or basis.dwelltime_s,
        spectrometer_frequency_mhz or basis.spectrometer_frequency_mhz,
    )
    head = draw_head(rng)
    contents = _draw_contents(basis, rng)
    coefficients = _draw_fields(rng)
    affine = _affine(shape, voxel_mm)
    fractions = _fractions(head, shape, affine)
    parts = np.stack([fractions[name] for name in BRAIN], axis=-1)
    mask = parts.sum(axis=-1) >= _LEAST_BRAIN_SHARE
    amplitudes = parts @ np.stack([contents[name] for name in BRAIN]) * mask[..., None]
    if lipid > 0:
        basis, amplitudes = _with_lipid(basis, amplitudes, lipid, fractions["scalp"], mask)
    parameters = _fields(coefficients, shape, affine)
    clean, undisturbed = _clean(basis, amplitudes, parameters, mask)
    each = noise_sigma(Noise(Fixed(snr), snr_definition), np.array(snr), undisturbed)
    level = float(np.median(each))
    t1, t1_affine = _structural(head, rng)
    noisy = add_noise(clean, level, rng) * mask[..., None]
    data = MRSData(
        noisy,
        basis.dwelltime_s,
        basis.spectrometer_frequency_mhz,
        basis.nucleus,
        affine=affine,
        header=synthetic_header("MRSI phantom of a head with a lesion, from a basis set", seed),
    )
    return Phantom(data, clean, basis, amplitudes, mask, fractions, parameters, level, t1, t1_affine, head)


def _draw_contents(basis: Basis, rng: np.random.Generator) -> dict[str, Real]:
    """Return the amplitude of each member in each tissue of the brain, shape (metabolite,) each."""
    spread = np.exp(rng.normal(0, _LOG_SPREAD, (len(basis.names), 3)))
    contents: dict[str, Real] = {name: np.zeros(len(basis.names)) for name in BRAIN}
    for m, name in enumerate(basis.names):
        span = BRAIN_RANGES.get(canonical_name(name))
        if span is None:
            continue
        factors = CONTRAST.get(canonical_name(name), (1.0, 1.0, 1.0)) * spread[m]
        for tissue, factor in zip(("white", "grey", "lesion"), factors, strict=True):
            contents[tissue][m] = factor * sum(span) / 2
    broad = macromolecules(basis.names)
    for tissue in ("white", "grey", "lesion") if broad else ():
        first_point = np.abs(contents[tissue] @ basis.fids[:, 0])
        contents[tissue][broad] = _MACROMOLECULE_RATIO * first_point / np.abs(basis.fids[broad, 0].sum())
    return contents


def _draw_fields(rng: np.random.Generator) -> dict[str, Real]:
    """Draw the coefficients of the maps of field, phase and width."""
    return {
        "shift_hz": rng.normal(0, [1.5, 2.0, 2.0, 2.0, 1.5, 1.5]),  # constant, x, y, z, x^2 - y^2, 2 x y
        "sinus_hz": rng.uniform(6.0, 10.0, 1),  # above the nose, where air meets brain
        "phase_rad": rng.normal(0, [0.3, 0.2, 0.2, 0.1]),  # constant, x, y, z
        "lorentzian_hz": rng.uniform(2.0, 3.0, 1),
        "gaussian_hz": rng.uniform(2.0, 3.0, 1),
    }


def _affine(shape: tuple[int, ...], voxel_mm: tuple[float, ...]) -> Real:
    affine = np.diag([*voxel_mm, 1.0])
    affine[:3, 3] = [-size * (n - 1) / 2 for size, n in zip(voxel_mm, shape, strict=True)]
    return affine


def _centres(shape: tuple[int, ...], affine: Real) -> Real:
    """Return the centre of each voxel in mm, shape (x, y, z, 3)."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    centres: Real = index @ affine[:3, :3].T + affine[:3, 3]
    return centres


def _fractions(head: Head, shape: tuple[int, ...], affine: Real) -> dict[str, Real]:
    """Return the share of each tissue in the volume of each voxel."""
    offsets = [(np.arange(n) + 0.5) / n - 0.5 for n in _SUBSAMPLES]
    inside = np.stack(np.meshgrid(*offsets, indexing="ij"), axis=-1).reshape(-1, 3) @ affine[:3, :3].T
    labels = tissue_labels(head, _centres(shape, affine)[..., None, :] + inside)
    return {name: np.mean(labels == n, axis=-1) for n, name in enumerate(TISSUES, start=1)}


def _fields(drawn: dict[str, Real], shape: tuple[int, ...], affine: Real) -> dict[str, Real]:
    """Return maps of field, phase and linewidth; the field is distorted near the frontal sinus, which is air."""
    x, y, z = np.moveaxis(_centres(shape, affine) / _HALF_MM, -1, 0)
    terms = np.stack([np.ones_like(x), x, y, z, x**2 - y**2, 2 * x * y], axis=-1)
    sinus = np.exp(-(x**2 + (y - 0.9) ** 2 + z**2) / 0.18)
    shift_hz = terms @ drawn["shift_hz"] + drawn["sinus_hz"] * sinus
    across = [np.gradient(shift_hz, axis=axis) for axis, n in enumerate(shape) if n > 1]
    spread_hz = np.sqrt(sum((slope**2 for slope in across), np.zeros(shape)))
    return {
        "shift_hz": shift_hz,
        "phase_rad": terms[..., :4] @ drawn["phase_rad"],
        "gamma": np.full(shape, gamma_from_fwhm(drawn["lorentzian_hz"])),
        "sigma": sigma_from_fwhm(np.sqrt(drawn["gaussian_hz"] ** 2 + spread_hz**2)),
    }


def _with_lipid(
    basis: Basis, amplitudes: Real, fraction: float, scalp: Real, mask: NDArray[np.bool_]
) -> tuple[Basis, Real]:
    """Add the blurred lipid of the scalp to basis set and amplitudes."""
    from scipy.ndimage import gaussian_filter

    lines = [line for line in WILSON_2011 if line.signal in ("Lip09", "Lip13")]
    sampling = (basis.fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz)
    lipid = line_basis(lines, *sampling).fids.sum(axis=0)
    first_point = np.median(np.abs(amplitudes[mask] @ basis.fids[:, 0]))
    leaked = gaussian_filter(scalp, [_LIPID_SPREAD_VOXELS if n > 1 else 0.0 for n in scalp.shape]) * mask
    more = fraction * first_point * leaked
    fids = np.concatenate([basis.fids, [lipid / lipid[0]]])
    grown = replace(basis, fids=fids, names=(*basis.names, LIPID))
    return grown, np.concatenate([amplitudes, more[..., None]], axis=-1)


def _clean(
    basis: Basis, amplitudes: Real, parameters: dict[str, Real], mask: NDArray[np.bool_]
) -> tuple[Complex, Complex]:
    """Return noiseless FIDs, zero outside of the mask, and those in it without shift, phase and lipid."""
    drawn = {name: values[mask] for name, values in parameters.items()}
    drawn |= {"amplitudes": amplitudes[mask], "scale": np.ones(int(mask.sum()))}
    fids = np.asarray(basis.fids, dtype=np.complex128)
    clean = np.zeros((*mask.shape, fids.shape[1]), dtype=np.complex128)
    clean[mask] = clean_fids(drawn, fids, basis.dwelltime_s)
    of_tissue = np.array([name != LIPID for name in basis.names])
    drawn["amplitudes"] = amplitudes[mask] * of_tissue
    return clean, metabolite_fids(drawn, fids, basis.dwelltime_s)


def _structural(head: Head, rng: np.random.Generator) -> tuple[NDArray[np.int16], Real]:
    """Return a T1-like image of the whole head, with noise, and its affine."""
    shape = tuple(
        2 * int(np.ceil((axis + 8) / size)) for axis, size in zip(head.axes_mm, _T1_MM, strict=True)
    )
    affine = _affine(shape, _T1_MM)
    bright = np.array(T1_CONTRAST)[tissue_labels(head, _centres(shape, affine))]
    noisy = np.hypot(bright + rng.normal(0, _T1_NOISE_SD, shape), rng.normal(0, _T1_NOISE_SD, shape))
    return np.round(noisy).astype(np.int16), affine
