"""Write the files of a simulated MRSI phantom."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.simulate.acquired import acquired
from fsl_mrs_dl.simulate.phantom import Phantom, simulate_phantom


def write_phantom(basis: Basis, name: str, settings: Mapping[str, Any], staging: Staging) -> None:
    """Simulate a phantom and write spectra, mask, structural image and maps of the true parameters.

    Parameters
    ----------
    basis : Basis
        On the points of the data.
    name : str
        Name of the files, without ending.
    settings : mapping
        ``seed, snr, snr_definition, lipid``, and others for the record.
    staging : Staging
    """
    staging.reserve(*(f"{name}{ending}.nii.gz" for ending in ("", "_mask", "_t1")), f"{name}_truth.json")
    phantom = simulate_phantom(
        basis,
        rng=np.random.default_rng(settings["seed"]),
        snr=settings["snr"],
        snr_definition=settings["snr_definition"],
        lipid=settings["lipid"],
        seed=settings["seed"],
    )
    header = {**phantom.data.header, **acquired(basis)}
    data = replace(phantom.data, fid=phantom.data.fid.astype(np.complex64), header=header)
    nifti.write(data, staging.path(f"{name}.nii.gz"))
    affine = np.asarray(phantom.data.affine)
    _save(phantom.mask.astype(np.int16), affine, staging.path(f"{name}_mask.nii.gz"))
    _save(phantom.t1, phantom.t1_affine, staging.path(f"{name}_t1.nii.gz"))
    for what, values in _maps(phantom):
        _save(values.astype(np.float32), affine, staging.path(f"{name}_truth/{what}.nii.gz"))
    truth = json.dumps(_truth(phantom, settings), indent=2)
    staging.path(f"{name}_truth.json").write_text(truth + "\n", encoding="utf-8")


def _maps(phantom: Phantom) -> list[tuple[str, Real]]:
    """Return the maps of the true parameters by the name of their file."""
    members = [(name, phantom.amplitudes[..., n]) for n, name in enumerate(phantom.basis.names)]
    tissues = [(f"fraction_{name}", values) for name, values in phantom.fractions.items()]
    return [*members, *phantom.parameters.items(), *tissues]


def _save(values: np.ndarray[Any, Any], affine: Real, path: Any) -> None:
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)


def _truth(phantom: Phantom, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the true parameters that are not maps, and the units of the maps."""
    recorded = {key: getattr(value, "name", value) for key, value in settings.items()}
    return {
        "made_by": f"fsl_mrs_dl simulate {__version__}",
        "settings": recorded,
        "metabolites": list(phantom.basis.names),
        "maps": "amplitudes of the basis set; shift_hz in Hz, phase_rad in rad, gamma and sigma in rad/s",
        "noise_sigma_per_channel": phantom.noise_sigma,
        "lesion_mm": list(phantom.head.lesion_mm),
        "lesion_radius_mm": phantom.head.lesion_radius_mm,
    }
