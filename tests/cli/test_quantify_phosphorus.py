"""``quantify`` with LCModel basis files of another nucleus, which their files do not say."""

import json
from pathlib import Path

import numpy as np
import pytest
from quantify_scans import run, table

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti

QUICK = ("--no_posterior",)
PHOSPHORUS = {"PCr": [(0.0, 1)], "Pi": [(4.82, 1)], "gATP": [(-2.5, 1)], "bATP": [(-16.1, 1)]}
AMOUNTS = {"PCr": 4.0, "Pi": 1.0, "gATP": 3.0, "bATP": 2.5}
MHZ_31P = 49.885


def phosphorus(points: int = 1024, dwell_s: float = 2e-4, centre_ppm: float = 0.0) -> np.ndarray:
    time_s = np.arange(points) * dwell_s
    return np.array(
        [
            sum(n * np.exp((2j * np.pi * (ppm - centre_ppm) * MHZ_31P - 12) * time_s) for ppm, n in peaks)
            for peaks in PHOSPHORUS.values()
        ]
    )


def lcmodel(made: np.ndarray, dwell_s: float, centre_ppm: float | None, mhz: float = MHZ_31P) -> str:
    """Return a .BASIS file as gfortran writes namelists."""
    centre = "" if centre_ppm is None else f" PPMCEN=  {centre_ppm:.7f}    ,\n"
    text = f'&SEQPAR\n HZPPPM=  {mhz:.7f}    ,\n{centre} SEQ="pulse / acquire    ",\n /\n'
    text += f'&BASIS1\n IDBASI="31P & more /",\n FMTBAS="(2E15.6)",\n BADELT=  {dwell_s},\n'
    text += f" NDATAB={made.shape[1]},\n /\n"
    for name, fid in zip(PHOSPHORUS, made, strict=True):
        spectrum = np.fft.fft(fid.conj())
        rows = "".join(f"{value.real:15.6E}{value.imag:15.6E}\n" for value in spectrum)
        text += (
            f'&NMUSED\n FILERAW="/home/{name}.RAW",\n /\n&BASIS\n METABO="{name}  ",\n ISHIFT=0,\n /\n{rows}'
        )
    return text


@pytest.mark.parametrize("centre", [None, 0.0, 2.5])
def test_a_basis_file_of_phosphorus_is_that_of_the_scan(
    folder: Path, caplog: pytest.LogCaptureFixture, rng: np.random.Generator, centre: float | None
) -> None:
    clean = sum(AMOUNTS[name] * fid for name, fid in zip(PHOSPHORUS, phosphorus(), strict=True))
    noisy = clean + 0.02 * (rng.standard_normal(1024) + 1j * rng.standard_normal(1024))
    data = MRSData(noisy.astype("c8").reshape(1, 1, 1, -1), 2e-4, MHZ_31P, "31P")
    nifti.write(data, folder / "p.nii.gz")
    (folder / "p.basis").write_text(lcmodel(phosphorus(centre_ppm=centre or 0.0), 2e-4, centre))
    line = (*QUICK, "--basis", str(folder / "p.basis"), "--internal_ref", "PCr")
    assert run(folder, "p", *line) == 0
    found = table(folder / "out" / "summary.csv")
    assert {name: found[name]["/PCr"] for name in AMOUNTS} == pytest.approx(
        {name: value / AMOUNTS["PCr"] for name, value in AMOUNTS.items()}, rel=0.02
    )
    said = json.loads((folder / "out" / "run.json").read_text())["basis"]["notes"]
    assert any(note.startswith("nucleus 31P of the data") for note in said)
    assert not any("confirmed by PCr" in note for note in said)
    assert "conjugated" not in caplog.text
    nifti.write(data.with_fid(data.fid.conj()), folder / "p.nii.gz")
    assert run(folder, "p", *line, out="turned") == 0
    assert "the data look conjugated; if they are, give --conj_fid" in caplog.text


@pytest.mark.parametrize(("mhz", "said"), [(MHZ_31P, "that of 31P at the 2.895 T"), (120.3, "Cr at")])
def test_a_basis_file_of_phosphorus_is_not_of_protons(
    folder: Path, capsys: pytest.CaptureFixture[str], mhz: float, said: str
) -> None:
    (folder / "p.basis").write_text(lcmodel(phosphorus(4096), 2e-4, None, mhz))
    assert run(folder, "svs", "--basis", str(folder / "p.basis")) == 2
    assert said in capsys.readouterr().err
