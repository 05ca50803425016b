"""A dwell time, a frequency or a nucleus that cannot be is refused by every step, before any work."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from test_contract import STEPS, arguments

from fsl_mrs_dl.cli import main

CASES = {
    "ms_called_s": ({}, 0.5, "sec", "a dwell time of 0.5 s"),
    "us_called_s": ({}, 500.0, "sec", "a dwell time of 500 s"),
    "zero": ({}, 0.0, "sec", "a dwell time of 0 s"),
    "hertz": ({}, 2000.0, "hz", "counts its fourth dimension in hz"),
    "width": ({"SpectralWidth": 1000.0}, None, "sec", "but SpectralWidth 1000 Hz"),
    "MHz": ({"SpectrometerFrequency": [123.2e6]}, None, "sec", "a spectrometer frequency of 1.232e+08 MHz"),
    "tesla": ({"SpectrometerFrequency": [3.0]}, None, "sec", "A field of 3 T would be 127.7 MHz"),
    "nucleus": ({"ResonantNucleus": ["H1"]}, None, "sec", "names its nucleus 'H1'"),
}


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("step", list(STEPS))
def test_what_cannot_be_is_refused_by_every_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str, case: str
) -> None:
    more, dwell, unit, said = CASES[case]
    line = arguments(step, tmp_path)
    image = nib.load(tmp_path / "scan.nii.gz")
    text = {**image.header.extensions[0].json(), **more}
    image.header.extensions.clear()
    image.header.extensions.append(nib.nifti1.Nifti1Extension(44, json.dumps(text).encode()))
    image.header.set_xyzt_units("mm", unit)
    if dwell is not None:
        image.header["pixdim"][4] = dwell
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj), None, image.header), tmp_path / "scan.nii.gz")
    assert main(line) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()
