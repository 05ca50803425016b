"""A world: how its spectra come to be, and the spectra with their truth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.physics import add_noise, fid_to_spectrum, phase, shift
from fsl_mrs_dl.simulate.shipped import shipped_basis
from tests.benchmarks.worlds import additions
from tests.benchmarks.worlds.amounts import draw_amounts
from tests.benchmarks.worlds.broad import lines_of, macromolecule_fids
from tests.benchmarks.worlds.lineshapes import VOIGT, lineshapes, metabolite_fids
from tests.benchmarks.worlds.settings import CREATINES
from tests.benchmarks.worlds.spins import DWELLTIME_S, SOURCES, Making, log_uniform, making

SHIFT_HZ, PHASE_RAD = 5.0, np.radians(20.0)
GOOD, CORRUPTED, DELAYED = "good", "corrupted", "delayed"
FIRST_POINTS = (GOOD, CORRUPTED, DELAYED)


@dataclass(frozen=True)
class World:
    """Levels of the factors by which spectra differ from what the fit takes them for.

    Attributes
    ----------
    name : str
    spins : str
        Basis set of the metabolites, a key of :data:`~.spins.SOURCES`.
    mm : str
        Macromolecules: a key of :data:`~fsl_mrs_dl.physics.macromolecules.MM_SETS`, or ``none``.
    lineshape : str
        One of :data:`~.lineshapes.LINESHAPES`.
    own_shifts : bool
        Whether each metabolite has a small shift and width of its own.
    lipid, water, ripple : bool
        Whether there are lipids, residual water, a smooth random baseline.
    first_points : str
        One of :data:`FIRST_POINTS`.
    snr_f : tuple of float
        Ends of the SNR_f, from which it is drawn log-uniformly.
    """

    name: str
    spins: str = "press_3t_te30"
    mm: str = "wilson_2011"
    lineshape: str = VOIGT
    own_shifts: bool = False
    lipid: bool = False
    water: bool = False
    ripple: bool = False
    first_points: str = GOOD
    snr_f: tuple[float, float] = (30.0, 150.0)

    @property
    def fitted(self) -> str:
        """Name of the shipped basis set that its spectra are fitted with."""
        return SOURCES[self.spins].fitted

    def there(self) -> bool:
        """Return whether all that it is made from is there."""
        return making(self.spins) is not None and lines_of(self.mm) is not None


@dataclass(frozen=True, eq=False)
class WorldSample:
    """Spectra of a world and what is true of them.

    Attributes
    ----------
    world : World
    data : MRSData
        n voxels along x, noise included.
    clean : ndarray, complex128, shape (n, time)
        The same without noise.
    metabolites, macromolecules : ndarray, complex128, shape (n, time)
        Two parts of it in the voxel's lineshape, before shift, phase and what happens to the first points.
    truth : mapping of str to ndarray, float, shape (n,)
        Canonical name -> amount in mmol/kg; zero for members of the fitted basis set that are not there.
    creatine : ndarray, float, shape (n,)
        Amplitude of total creatine in units of the fitted basis set, by the first points of Cr in both sets.
    height : ndarray, float, shape (n,)
        Highest peak of the metabolites' spectrum (orthonormal transform, magnitude).
    noise_sd, snr_f : ndarray, float, shape (n,)
        SD of the noise of one channel; ``height / noise_sd``.
    """

    world: World
    data: MRSData
    clean: Complex
    metabolites: Complex
    macromolecules: Complex
    truth: Mapping[str, Real]
    creatine: Real
    height: Real
    noise_sd: Real
    snr_f: Real

    @property
    def fitted(self) -> str:
        """Name of the shipped basis set to fit with."""
        return self.world.fitted


def make(world: World, n: int, rng: np.random.Generator) -> WorldSample:
    """Make spectra of a world.

    Parameters
    ----------
    world : World
    n : int
        Spectra.
    rng : numpy.random.Generator

    Returns
    -------
    WorldSample

    Raises
    ------
    DataError
        If a file it is made from is absent.
    """
    source_set, lines = making(world.spins), lines_of(world.mm)
    if source_set is None or lines is None:
        raise DataError(
            f"The world {world.name!r} is made from data that are not there; name their folder in "
            "FSL_MRS_DL_TEST_DATA (or install mrsandbox, if its basis set is simulated), or leave it out."
        )
    n_points, mhz = source_set.fids.shape[1], source_set.spectrometer_frequency_mhz
    amounts = draw_amounts(source_set.names, n, rng)
    shape = lineshapes(world.lineshape, n, n_points, rng)
    metabolites = shape * metabolite_fids(source_set.fids, amounts, rng, own=world.own_shifts)
    broad = shape * macromolecule_fids(lines, source_set, SOURCES[world.spins].echo_time_s, n, rng)
    height = np.abs(fid_to_spectrum(metabolites)).max(axis=1)
    fids = metabolites + broad
    if world.lipid:
        fids = fids + additions.lipid_fids(n, n_points, mhz, np.abs(metabolites[:, 0]), rng)
    fids = phase(
        shift(fids, rng.uniform(-SHIFT_HZ, SHIFT_HZ, n), DWELLTIME_S), PHASE_RAD * rng.standard_normal(n)
    )
    clean = _disturbed(world, fids, height, mhz, rng)
    snr_f = log_uniform(world.snr_f, n, rng)
    noisy = add_noise(clean, height / snr_f, rng)
    data = MRSData(noisy.reshape(n, 1, 1, n_points), DWELLTIME_S, mhz, name=world.name)
    truth = _truth(world, source_set, amounts)
    creatine = np.sum([truth[name] for name in CREATINES], axis=0) * _unit(world, source_set)
    return WorldSample(world, data, clean, metabolites, broad, truth, creatine, height, height / snr_f, snr_f)


def _disturbed(world: World, fids: Complex, height: Real, mhz: float, rng: np.random.Generator) -> Complex:
    """Return FIDs with what belongs to the measurement: delay, water, baseline, and a wrong first point."""
    n, n_points = fids.shape
    if world.first_points == DELAYED:
        fids = additions.delayed(fids, additions.DELAY_S * rng.uniform(-1.0, 1.0, size=(n,)))
    if world.water:
        fids = fids + additions.water_fids(n, n_points, mhz, height, rng)
    if world.ripple:
        fids = fids + additions.ripple_fids(n, n_points, mhz, height, rng)
    return additions.corrupted(fids, rng) if world.first_points == CORRUPTED else fids


def _unit(world: World, source_set: Making) -> float:
    """Return how large creatine is in the basis set of a world, in units of the fitted one."""
    fitted = read_basis(shipped_basis(world.fitted))
    first = source_set.fids[list(source_set.names).index("Cr"), 0]
    return float(abs(first) / abs(fitted.fids[fitted.names.index("Cr")][0]))


def _truth(world: World, source_set: Making, amounts: Real) -> dict[str, Real]:
    members = read_basis(shipped_basis(world.fitted)).names
    truth = {
        canonical_name(name): np.zeros(len(amounts)) for name in members if not name.upper().startswith("MM")
    }
    return truth | {name: amounts[:, m] for m, name in enumerate(source_set.names)}
