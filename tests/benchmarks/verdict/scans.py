"""The measured spectra that limits are set with and judged on, with their basis sets, by site or scan."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.remove import remove
from tests.benchmarks.quantify_cases import FIELD_TOLERANCE, shipped, single_voxels
from tests.benchmarks.realdata import in_vivo
from tests.benchmarks.trust.scans import scan, usual

SITES = {"P1": 4, "P5": 4, "P8": 4}
"""Site of the Big GABA study -> people."""
MRSI = "MRSI"
MRSI_BASIS = "slaser_3t_te35"
SIMULATED = "simulated"
_SHIPPED = {
    "PRESS TE 30": "press_3t_te30",
    "PRESS TE 35": "press_3t_te35",
    "7 T STEAM TE 11": "steam_7t_te11",
}
_SNR = 100.0  # of the simulated scan, as of a good measured one
_OTHER_BASIS = {"3": "mega-press_3t_te68_off", "7": "slaser_7t_te26"}  # by field in T


@dataclass(frozen=True, eq=False)
class MeasuredFile:
    """One file.

    Attributes
    ----------
    group : str
        Site or scan that is left out together.
    name : str
    data : MRSData
        One spectrum, or MRSI.
    basis_name : str
        Of a shipped set.
    water : MRSData or None
        Its unsuppressed reference.
    """

    group: str
    name: str
    data: MRSData
    basis_name: str
    water: MRSData | None = None

    @property
    def basis(self) -> Basis:
        """The basis set."""
        return shipped(self.basis_name)

    @property
    def other_basis(self) -> str:
        """Name of a shipped set of the same field, but of another sequence and echo time."""
        return _OTHER_BASIS[f"{self.data.spectrometer_frequency_mhz / 42.576:.0f}"]

    def judged(self, data: MRSData, basis_name: str | None = None) -> Outcome:
        """Return what ``quantify`` finds in some data of the same kind."""
        result = quantify(
            data,
            basis=shipped(basis_name or self.basis_name),
            no_posterior=True,
            field_tolerance=FIELD_TOLERANCE,
            allow_mismatch=basis_name is not None,
        ).outcome
        assert result is not None
        return result


def simulated(seed: int) -> MeasuredFile:
    """Return one spectrum of the model's own world, where no file is needed."""
    rng = np.random.default_rng(seed)
    data = scan(usual(), 1, rng).measured(_SNR, rng)
    return MeasuredFile(SIMULATED, SIMULATED, replace(data, header={"EchoTime": 0.03}), "press_3t_te30")


def single_spectra() -> Iterator[MeasuredFile]:
    """Yield the single-voxel spectra that are there: twelve of three sites, and three of three protocols."""
    for site, people in SITES.items():
        for person in range(1, people + 1):
            name = f"{site}_S{person:02d}"
            data, water = (in_vivo("big_gaba", f"{name}_{kind}.nii.gz") for kind in ("act", "ref"))
            if data is not None:
                yield MeasuredFile(site, name, remove(data).data, "press_3t_te35", water)
    for case in single_voxels():
        if case.basis_name.strip("`") == _SHIPPED[case.data_name] and case.data is not None:
            yield MeasuredFile(
                case.data_name, case.data_name, case.data, _SHIPPED[case.data_name], case.water
            )


def mrsi() -> MeasuredFile | None:
    """Return the MRSI; None if it is absent."""
    data = in_vivo("mrsi_3t", "data.nii.gz")
    return None if data is None else MeasuredFile(MRSI, "3 T MRSI", data, MRSI_BASIS)


def voxel(whole: MeasuredFile, place: tuple[int, int, int]) -> MeasuredFile:
    """Return one voxel of MRSI as a spectrum."""
    fid = whole.data.fid[place][None, None, None]
    return replace(whole, name=f"voxel {place}", data=replace(whole.data.with_fid(fid), affine=None))
