"""Twelve people of three sites: how much measured ratios differ between and within sites, by each setting."""

import re

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.scores import cv
from fsl_mrs_dl.steps.remove import remove
from tests.benchmarks.realdata import data_folder
from tests.benchmarks.table import Table
from tests.benchmarks.worlds.broad import NONE
from tests.benchmarks.worlds.settings import SETTINGS, Ratios, by_quantify

FITTED = "press_3t_te35"
NAMES = {"NAA+NAAG": "tNAA", "GPC+PCh": "tCho", "Ins": "Ins", "Glu+Gln": "Glx"}
_FILE = re.compile(r"(P\d+)_S\d+_act\.nii\.gz")


def sites_table(caption: str, people: int | None = None) -> Table:
    """Return the coefficients of variation within and between sites of ratios to total creatine.

    Parameters
    ----------
    caption : str
    people : int, optional
        At most so many of each site; all if not given.
    """
    columns = ["setting", "n", *(f"{name}/tCr, within / between %" for name in NAMES.values())]
    columns += [*(f"{name}/tCr" for name in NAMES.values()), "flagged", "failures", "ms"]
    spectra = _spectra(people)
    if not spectra:
        return Table.filled(caption, columns, [[setting] for setting in SETTINGS])
    site = np.array([where for where, _ in spectra])
    rows = []
    for setting, options in SETTINGS.items():
        results = [by_quantify(data, FITTED, options, without_mm=NONE) for _, data in spectra]
        ratios = {name: np.array([_leading(one, name) for one in results]) for name in NAMES}
        rows.append(
            [
                setting,
                str(len(results)),
                *(
                    f"{100 * within(values, site):.1f} / {100 * between(values, site):.1f}"
                    for values in ratios.values()
                ),
                *(f"{values.mean():.3f}" for values in ratios.values()),
                str(sum(bool(one.flagged[0]) for one in results)),
                str(sum(bool(one.failed[0]) for one in results)),
                f"{1e3 * np.mean([one.seconds for one in results]):.0f}",
            ]
        )
    return Table(caption, columns, rows)


def within(values: Real, site: Real) -> float:
    """Return the coefficient of variation of people of a site, root mean square over sites."""
    return float(np.sqrt(np.mean([cv(values[site == one]) ** 2 for one in np.unique(site)])))


def between(values: Real, site: Real) -> float:
    """Return the coefficient of variation of the sites' means."""
    return float(cv([values[site == one].mean() for one in np.unique(site)]))


def _leading(one: Ratios, name: str) -> float:
    return float(one.mean[name][0])


def _spectra(people: int | None) -> list[tuple[str, MRSData]]:
    """Return site and spectrum, water removed, of each person, in the order of the files."""
    folder = data_folder() / "invivo" / "big_gaba"
    results: list[tuple[str, MRSData]] = []
    for path in sorted(folder.glob("*_act.nii.gz")):
        match = _FILE.fullmatch(path.name)
        if match is None or (people and sum(where == match[1] for where, _ in results) >= people):
            continue
        results.append((match[1], remove(nifti.read(path)).data))
    return results
