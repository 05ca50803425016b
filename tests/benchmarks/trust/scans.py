"""Spectra that ``quantify`` is given as a file would give them, in worlds of which it knows one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import pi

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.physics import add_noise, fid_to_spectrum, on_points, shift, singlet
from fsl_mrs_dl.physics.lines import BIRCH_2017
from fsl_mrs_dl.physics.metabolites import BRAIN_RANGES
from fsl_mrs_dl.simulate import (
    Fixed,
    LineSignal,
    LipidContamination,
    Prior,
    ResidualWater,
    SpuriousEcho,
    Uniform,
    brain_amplitudes,
    clean_fids,
    draw_signals,
    with_line_signals,
)
from fsl_mrs_dl.simulate.brain import MACROMOLECULES, macromolecule_amplitudes, macromolecules
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify import quantify
from tests.benchmarks.fit import task_basis
from tests.benchmarks.realdata import philips_basis

POINTS, DWELLTIME_S = 1024, 5e-4  # 0.5 s at 2 kHz
FITTED = "press_3t_te30"
NOISELESS = 1e6  # SNR_f at which noise does not matter
SPLIT_HZ, SPLIT_SHARE = (
    5.0,
    0.3,
)  # the part of a voxel at another field, and how far: a shoulder of every line
_EXTRA = "extra"


@dataclass(frozen=True, eq=False)
class TrustWorld:
    """One way in which spectra come to be.

    Attributes
    ----------
    name : str
    effect : str
        How large the difference is.
    basis : Basis or None
        At the points of the data; None where it is absent.
    prior : Prior
    change : callable
        From noiseless FIDs to what is measured.
    without : tuple of str
        Members that the fit leaves out.
    fitted : str
        Shipped basis set of the fit.
    """

    name: str
    effect: str
    basis: Basis | None
    prior: Prior
    change: Callable[[Complex], Complex] = lambda fids: fids
    without: tuple[str, ...] = ()
    fitted: str = FITTED


@dataclass(frozen=True, eq=False)
class WorldSpectra:
    """Noiseless spectra of a world, the heights of their metabolites, and the amplitudes by canonical name."""

    world: TrustWorld
    clean: Complex
    height: Real
    truth: Mapping[str, Real]

    def measured(self, snr_f: float | None, rng: np.random.Generator) -> MRSData:
        """Return spectra with the noise of an SNR_f, or nearly none, as voxels of one row."""
        fids = add_noise(self.clean, self.height / (snr_f or NOISELESS), rng)
        assert self.world.basis is not None
        mhz = self.world.basis.spectrometer_frequency_mhz
        return MRSData(fids.reshape(-1, 1, 1, POINTS), DWELLTIME_S, mhz, name=self.world.name)

    def quantified(self, data: MRSData, *, posterior: bool) -> Outcome:
        """Return what ``quantify`` makes of measured spectra with the shipped basis set."""
        result = quantify(
            data,
            basis=_set(self.world.fitted),
            ignore=self.world.without or None,
            no_posterior=not posterior,
        ).outcome
        assert result is not None
        return result


@cache
def _set(name: str) -> Basis:
    return read_basis(shipped_basis(name))


def _mhz() -> float:
    return _set(FITTED).spectrometer_frequency_mhz


def _at(basis: Basis, stretch: float = 1.0) -> Basis:
    """Return a basis at the points of the data; stretched, its frequencies are all too high by a factor."""
    moved = on_points(basis, POINTS, DWELLTIME_S * stretch, _mhz(), field_tolerance=0.05)
    return replace(moved, dwelltime_s=DWELLTIME_S)


def brain(basis: Basis, *, mm: bool = True) -> Prior:
    """Return a prior of brain spectra with Voigt lines, as at 3 T."""
    amplitudes = brain_amplitudes(basis.names)
    if mm:
        amplitudes |= macromolecule_amplitudes(basis)
        if "Mac" in basis.names:
            first = np.abs(basis.fids[:, 0])
            middle = sum(sum(BRAIN_RANGES[name]) / 2 * first[basis.names.index(name)] for name in amplitudes)
            unit = middle / first[basis.names.index("Mac")]
            amplitudes["Mac"] = Uniform(MACROMOLECULES.low * unit, MACROMOLECULES.high * unit)
    return Prior(
        amplitudes=amplitudes,
        lorentzian_hz=Uniform(1.0, 4.0),
        gaussian_hz=Uniform(1.0, 5.0),
        shift_hz=Uniform(-5.0, 5.0),
        phase_rad=Uniform(-pi / 6, pi / 6),
    )


def usual() -> TrustWorld:
    """Return the world that the fit knows."""
    basis = _at(_set(FITTED))
    return TrustWorld("the model's own", "none", basis, brain(basis))


def worlds() -> list[TrustWorld]:
    """Return worlds that are not the model's."""
    own = usual()
    assert own.basis is not None
    te35, slaser = _at(_set("press_3t_te35")), _at(_set("slaser_3t_te28"))
    published, text = task_basis()
    other = _at(published) if "ISMRM" in text else None
    bare = _without_mm(own.basis)
    birch = replace(brain(bare), line_signals=(LineSignal("MMB", BIRCH_2017, Uniform(0.1, 0.3)),))
    return [
        TrustWorld(
            "another spin-system table",
            "ISMRM 2016 basis, measured MM",
            other,
            own.prior if other is None else brain(other),
        ),
        TrustWorld("another MM table", "Birch 2017, one signal", bare, birch),
        TrustWorld("another echo time", "TE 35 for 30 ms", te35, brain(te35)),
        _shaped_pulses(),
        TrustWorld("another sequence", "sLASER TE 28 for PRESS TE 30", slaser, brain(slaser)),
        replace(own, name="lineshape not Voigt", effect=_split_words(), change=split),
        replace(
            own,
            name="residual water",
            effect="0.5 to 2 x metabolites, 5 to 15 Hz",
            prior=_with(own, water(0.5, 2.0)),
        ),
        replace(
            own,
            name="lipid tails",
            effect="0.1 to 0.3 x metabolites, 30 to 60 Hz",
            prior=_with(own, lipid(0.1, 0.3)),
        ),
    ]


def _shaped_pulses() -> TrustWorld:
    """Return the world of a scanner's pulses: a set simulated with them, and our macromolecules."""
    effect = "PRESS TE 35 with Philips' pulses, 127.7 MHz, beside `press_3t_te35`"
    ours, theirs = _set("press_3t_te35"), philips_basis()
    if theirs is None:
        return TrustWorld("shaped pulses", effect, None, brain(ours))
    mhz = theirs.spectrometer_frequency_mhz
    there = on_points(theirs, POINTS, DWELLTIME_S, mhz, field_tolerance=0.05)
    here = on_points(ours, POINTS, DWELLTIME_S, mhz, field_tolerance=0.05)
    names = [name for name in there.names if canonical_name(name) in here.names]
    rows = [there.names.index(name) for name in names]
    broad = list(macromolecules(here.names))
    size = _height(here, "Cr") / _height(there, "Cr")
    basis = replace(
        here,
        fids=np.vstack([size * there.fids[rows], here.fids[broad]]),
        names=(*(canonical_name(name) for name in names), *(here.names[row] for row in broad)),
    )
    return TrustWorld("shaped pulses", effect, basis, brain(basis), fitted="press_3t_te35")


def _height(basis: Basis, name: str) -> float:
    return float(np.linalg.norm(basis.fids[basis.names.index(name)]))


def unusual() -> list[TrustWorld]:
    """Return what is to be detected, each with one size of effect."""
    own = usual()
    assert own.basis is not None
    te68, wide = _at(_set("mega-press_3t_te68_off")), _at(_set(FITTED), 1.036)
    extra = _with_singlet(own.basis, 2.78)
    lactate = replace(own.prior, amplitudes={**own.prior.amplitudes, "Lac": Fixed(3.0)})
    singlet_prior = replace(own.prior, amplitudes={**own.prior.amplitudes, _EXTRA: Fixed(1.0)})
    return [
        replace(
            own,
            name="lipid",
            effect="0.3 x metabolites, 45 Hz at 1.3 ppm",
            prior=_with(own, lipid(0.3, 0.3)),
        ),
        replace(
            own,
            name="spurious echo",
            effect="0.1 x metabolites",
            prior=_with(own, SpuriousEcho(1.0, Fixed(0.1))),
        ),
        TrustWorld("wrong field", "3.6 % too high", wide, brain(wide)),
        replace(own, name="conjugated", effect="FID conjugated", change=np.conj),
        TrustWorld("unmodelled singlet", "3 protons, 1 mmol/kg at 2.78 ppm", extra, singlet_prior),
        replace(own, name="lineshape not Voigt", effect=_split_words(), change=split),
        TrustWorld("wrong TE", "68 for 30 ms", te68, brain(te68)),
        replace(own, name="missing Lac", effect="3 mmol/kg", prior=lactate, without=("Lac",)),
        replace(own, name="missing PE", effect="1 to 2 mmol/kg", without=("PE",)),
    ]


def _with(world: TrustWorld, *nuisances: LipidContamination | ResidualWater | SpuriousEcho) -> Prior:
    return replace(world.prior, nuisances=nuisances)


def water(low: float, high: float) -> ResidualWater:
    """Return residual water of a size relative to the metabolites' first point."""
    return ResidualWater(1.0, Uniform(low, high), Fixed(0.0))


def lipid(low: float, high: float) -> LipidContamination:
    """Return lipid of a size relative to the metabolites' first point."""
    width = Uniform(45.0, 45.0) if low == high else Uniform(30.0, 60.0)
    return LipidContamination(1.0, Uniform(low, high), Fixed(1.3), width, Fixed(0.0))


def split(fids: Complex) -> Complex:
    """Return FIDs of a voxel a part of which lies at another field: lines with a shoulder."""
    doubled: Complex = (1 - SPLIT_SHARE) * fids + SPLIT_SHARE * shift(fids, np.array(SPLIT_HZ), DWELLTIME_S)
    return doubled


def _split_words() -> str:
    return f"{100 * SPLIT_SHARE:.0f} % of the voxel {SPLIT_HZ:g} Hz off"


def _without_mm(basis: Basis) -> Basis:
    broad = set(macromolecules(basis.names))
    chosen = [m for m in range(len(basis.names)) if m not in broad]
    return replace(basis, fids=basis.fids[chosen], names=tuple(basis.names[m] for m in chosen))


def _with_singlet(basis: Basis, ppm: float) -> Basis:
    hz = (ppm - basis.reference_ppm) * basis.spectrometer_frequency_mhz
    line = 3 * singlet(POINTS, DWELLTIME_S, hz, 2 * pi, 0.0, np.zeros(1, complex))
    return replace(basis, fids=np.vstack([basis.fids, np.ravel(line)]), names=(*basis.names, _EXTRA))


def scan(world: TrustWorld, n: int, rng: np.random.Generator) -> WorldSpectra:
    """Return spectra of a world, whose basis is there."""
    assert world.basis is not None
    basis = with_line_signals(world.prior, world.basis)
    drawn = draw_signals(world.prior, basis, n, rng)
    members = np.asarray(basis.fids, dtype=np.complex128)
    clean = clean_fids(drawn, members, DWELLTIME_S)
    alone = {key: value for key, value in drawn.items() if not key.endswith("_present")}
    height = np.abs(fid_to_spectrum(clean_fids(alone, members, DWELLTIME_S))).max(axis=1)
    amplitudes = drawn["amplitudes"] * drawn["scale"][:, None]
    truth = {canonical_name(name): amplitudes[:, m] for m, name in enumerate(basis.names)}
    return WorldSpectra(world, world.change(np.asarray(clean)), height, truth)
