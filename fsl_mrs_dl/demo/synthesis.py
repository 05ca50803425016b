"""The last part of the demo: make spectra from concentrations, and compare these with a fit."""

from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.demo.quantification import BASIS
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.fit.lcm import FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.settings import Baseline
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.synthesise import labels_of

MODEL = "synthesise-cvae-press-pcr-naa-1h-3t"
REQUEST = ("--n", "6", "--snr", "100", "--concentrations", "NAA=6:14", "PCr=3:7")


def compare_synthetic(output: Path, *, overwrite: bool) -> None:
    """Print and draw the requested concentrations and those of a fit."""
    from fsl_mrs_dl.report.drawing import new_panels

    data = nifti.read(output / "8_synthetic/synthetic.nii.gz")
    labels = labels_of(data)
    fids = np.moveaxis(data.fid[0, 0, 0], 0, -1).astype(np.complex128)
    whole = basis_for(data, read_basis(shipped_basis(BASIS)))
    rows = [whole.names.index(name) for name in labels]
    basis = Basis(whole.fids[rows], tuple(labels), whole.dwelltime_s, whole.spectrometer_frequency_mhz)
    settings = FitSettings(baseline=Baseline.parse("spline, moderate"))
    result = Fitter(basis, settings, reference_ppm=data.reference_ppm)(fids)
    print(f"\n{'synthetic':14}{'requested':>9}{'fitted':>10}{'CRLB':>9}{'error/CRLB':>12}")  # noqa: T201
    for m, (name, requested) in enumerate(labels.items()):
        for truth, value, sd in zip(requested, result.amplitudes[:, m], result.crlb[:, m], strict=True):
            print(f"{name:14}{truth:9.2f}{value:10.2f}{sd:9.2f}{(value - truth) / sd:12.2f}")  # noqa: T201
    figure, ((axis,),) = new_panels(1, 1, (9, 5), dpi=100)
    inside = (data.ppm_axis > 0.5) & (data.ppm_axis < 4.2)
    spectra = fid_to_spectrum(fids)[:, inside].real
    for k, spectrum in enumerate(spectra):
        label = ", ".join(f"{name} {values[k]:.1f}" for name, values in labels.items())
        axis.plot(data.ppm_axis[inside], spectrum - 0.6 * k * spectra.max(), lw=0.9, label=label)
    axis.set(
        xlabel="ppm", yticks=[], title="Synthetic spectra (not measured) and the concentrations asked for"
    )
    axis.invert_xaxis()
    figure.legend(loc="outside right upper", frameon=False)
    with Staging(output, overwrite=overwrite) as staging:
        figure.savefig(staging.path("synthetic.png"))
