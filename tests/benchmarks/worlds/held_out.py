"""The world that nothing was designed with: the ISMRM 2016 basis set and its measured macromolecules."""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, MRSData
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.physics import (
    add_noise,
    fid_to_spectrum,
    on_points,
    phase,
    ppm_axis,
    ppm_window,
    shift,
    sound_basis,
)
from tests.benchmarks.realdata import data_folder
from tests.benchmarks.table import Table
from tests.benchmarks.worlds.amounts import HEALTHY_TCR, draw_amounts
from tests.benchmarks.worlds.broad import METHYL_PROTONS, NONE, SIZE, SIZE_PPM, SPREAD_SIZE
from tests.benchmarks.worlds.judged import score
from tests.benchmarks.worlds.lineshapes import VOIGT, lineshapes
from tests.benchmarks.worlds.settings import SETTINGS, by_basis, shipped
from tests.benchmarks.worlds.spins import DWELLTIME_S, POINTS, SOURCES, Making, log_uniform, making
from tests.benchmarks.worlds.tables import SCORE_COLUMNS, score_row
from tests.benchmarks.worlds.world import PHASE_RAD, SHIFT_HZ, World

SOURCE, FITTED = "ismrm_2016", "press_3t_te30"


def held_out_table(caption: str, n: int, seed: int) -> Table:
    """Return the scores of every setting, with the shipped basis set and with the set's own macromolecules.

    Parameters
    ----------
    caption : str
    n : int
        Spectra.
    seed : int
    """
    columns = ["basis set", "setting", *SCORE_COLUMNS]
    own, source_set = _own(), making(SOURCE)
    if own is None or source_set is None:
        return Table.filled(caption, columns, [[FITTED]])
    data, truth = _scans(
        source_set, np.asarray(own.fids)[own.names.index("Mac")], n, np.random.default_rng([seed, 2016])
    )
    known = {
        canonical_name(name): truth.get(canonical_name(name), np.zeros(n))
        for name in shipped(FITTED).names
        if not name.upper().startswith("MM")
    }
    rows = []
    for words, basis, true in ((f"`{FITTED}`", shipped(FITTED), known), ("its own, with Mac", own, truth)):
        for setting, options in SETTINGS.items():
            results = by_basis(data, basis, options, without_mm=NONE)
            rows.append([words, setting, *score_row(score(results, true))])
    return Table(caption, columns, rows)


def _own() -> Basis | None:
    """Return the set at the points of the data: what has an amount, and the macromolecules."""
    source = SOURCES[SOURCE]
    path = data_folder() / source.place
    if not path.is_dir():
        return None
    basis = sound_basis(read_basis(path, **source.options))
    source_set = making(SOURCE)
    assert source_set is not None
    rows = [at for at, name in enumerate(basis.names) if canonical_name(name) in (*source_set.names, "Mac")]
    names = tuple(canonical_name(basis.names[row]) for row in rows)
    basis = replace(basis, fids=np.asarray(basis.fids)[rows], names=names)
    return on_points(basis, POINTS, DWELLTIME_S, basis.spectrometer_frequency_mhz)


def _scans(
    source_set: Making, mac: Complex, n: int, rng: np.random.Generator
) -> tuple[MRSData, dict[str, np.ndarray]]:
    """Return spectra and amounts, drawn as in the centre of the other worlds."""
    mhz, n_points = source_set.spectrometer_frequency_mhz, source_set.fids.shape[1]
    amounts = draw_amounts(source_set.names, n, rng)
    metabolites = amounts @ source_set.fids
    ppm = ppm_axis(n_points, DWELLTIME_S, mhz, NUCLEI["1H"].reference_ppm)
    spectrum = fid_to_spectrum(mac).real
    foot = spectrum[ppm_window(ppm, (-1.0, 0.0))].mean()
    area = 2 * (spectrum - foot)[ppm_window(ppm, SIZE_PPM)].sum() / np.sqrt(n_points)
    unit = SIZE * METHYL_PROTONS * HEALTHY_TCR * source_set.per_proton / area
    size = unit * np.exp(SPREAD_SIZE * rng.standard_normal((n, 1)))
    shape = lineshapes(VOIGT, n, n_points, rng)
    fids = shape * (metabolites + size * mac)
    fids = phase(
        shift(fids, rng.uniform(-SHIFT_HZ, SHIFT_HZ, n), DWELLTIME_S), PHASE_RAD * rng.standard_normal(n)
    )
    height = np.abs(fid_to_spectrum(shape * metabolites)).max(axis=1)
    noisy = add_noise(fids, height / log_uniform(World("").snr_f, n, rng), rng)
    data = MRSData(noisy.reshape(n, 1, 1, n_points), DWELLTIME_S, mhz, name="kept apart")
    return data, {name: amounts[:, m] for m, name in enumerate(source_set.names)}
