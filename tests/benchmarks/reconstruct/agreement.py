"""Measured scans: does a fit of the reconstruction agree with the fit of the raw data."""

from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.reconstruct import reconstruct
from tests.benchmarks.realdata import in_vivo
from tests.benchmarks.table import Table

SCANS = (
    ("PRESS at 3 T", "press_3t", "sub-01_press.nii.gz", "press_3t_te30"),
    ("PRESS at 3 T, strong water", "big_gaba", "P8_S03_act.nii.gz", "press_3t_te35"),
    ("STEAM at 7 T, averaged", "steam_7t", "metab_svs.nii.gz", "steam_7t_te11"),
    ("MRSI at 3 T", "mrsi_3t", "data.nii.gz", "press_3t_te35"),
)
"""Name, folder, file and shipped basis set of each scan; that of the MRSI is not known, and serves to compare."""
BASELINES = ("auto", "poly, 2", "spline, moderate")
RATIOS = ("NAA+NAAG", "GPC+PCh", "Glu+Gln", "Ins")
"""What is compared, over Cr+PCr."""
VOXELS = 16
"""Voxels of the MRSI, the strongest."""


def agreement_table() -> Table | None:
    """Return raw and reconstructed ratios of measured scans; None where there are none."""
    rows = []
    for words, folder, file, basis in SCANS:
        data = in_vivo(folder, file)
        if data is None:
            continue
        data = strongest(data)
        result = reconstruct(data)
        assert result.reconstruction is not None
        reconstruction = result.reconstruction
        atoms = f"{np.median(reconstruction.support):.0f} of {reconstruction.model.operator.n_atoms}"
        missing = f"{100 * np.sqrt(reconstruction.gap.max()):.1f} %"
        members = read_basis(Path(shipped_basis(basis)))
        for baseline in BASELINES:
            raw, after = (quantify(d, basis=members, baseline=baseline).outcome for d in (data, result.data))
            assert raw is not None
            assert after is not None
            rows.append([words, atoms, missing, baseline, *compared(raw, after)])
    if not rows:
        return None
    caption = (
        "Measured scans: NAA+NAAG, GPC+PCh, Glu+Gln and Ins over Cr+PCr by `quantify`, of raw data and of the "
        f"reconstruction; of the MRSI the {VOXELS} strongest voxels (own basis set unknown). Posterior means: "
        "how many are within the 95 % interval of the raw data, the largest difference, and tNAA/tCr (median). "
        "`quantify` counts the noise that is gone as still there. Width: of the 95 % interval over that of the "
        "raw data, median. Missing to the best solution: at most so much of the noise (norm); the aim is 5 %."
    )
    columns = [
        "scan",
        "atoms, median",
        "missing",
        "`--baseline`",
        "within",
        "largest difference",
        "width",
        "tNAA/tCr, raw",
        "after",
    ]
    return Table(caption, columns, rows)


def strongest(data: MRSData) -> MRSData:
    """Return a scan with its strongest voxels alone; the others are zero."""
    power = np.linalg.norm(data.fid[:, :, :, : data.n_points // 8], axis=3)
    if power.size <= VOXELS:
        return data
    limit = np.sort(power, axis=None)[-VOXELS]
    return data.with_fid(np.where((power >= limit)[..., None], data.fid, 0))


def compared(raw: Outcome, after: Outcome) -> list[str]:
    """Return the cells of a row: how the ratios after reconstruction agree with those of the raw data."""
    inside, differences, widths, shown = [], [], [], []
    for name in RATIOS:
        at = raw.names.index(name)
        before, result = (one.scaled["internal"].extra for one in (raw, after))
        value = result["posterior_mean"][:, at]
        mean, low, high = (before[key][:, at] for key in ("posterior_mean", "ci95_low", "ci95_high"))
        widths.append((result["ci95_high"][:, at] - result["ci95_low"][:, at]) / (high - low))
        inside.append((value >= low) & (value <= high))
        differences.append(np.abs(value / mean - 1))
        shown.append((np.median(mean), np.median(value)))
    whole = np.concatenate(inside)
    largest = 100 * float(np.max(np.concatenate(differences)))
    naa = shown[RATIOS.index("NAA+NAAG")]
    width = float(np.median(np.concatenate(widths)))
    cells = [f"{int(whole.sum())} of {whole.size}", f"{largest:.0f} %", f"{width:.2f}"]
    return [*cells, f"{naa[0]:.2f}", f"{naa[1]:.2f}"]
