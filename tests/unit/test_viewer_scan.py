"""A file without a fit, in the viewer: the line is that of the FID in the file, whatever its dimensions."""

import nibabel as nib
import numpy as np
import pytest
import viewer_results

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum
from fsleyes_plugin.model.curves import Display
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.session import Session


def expected(fid: np.ndarray) -> np.ndarray:
    """The real spectrum of an FID without what half of its first point puts under it."""
    fid = fid.astype(complex)
    return fid_to_spectrum(fid).real - fid[0].real / 2 / np.sqrt(fid.size)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_one_place_of_each_dimension_is_one_fid_of_the_file(tmp_path, ending):
    rng = np.random.default_rng(1)
    fid = rng.normal(size=(3, 2, 1, 64, 4, 3, 2)) + 1j * rng.normal(size=(3, 2, 1, 64, 4, 3, 2))
    header = {"DIM_EDIT": {"header": {"EditCondition": ["ON", "OFF"]}}}
    data = MRSData(
        fid.astype(np.complex64),
        5e-4,
        123.2,
        dim_tags=("DIM_COIL", "DIM_DYN", "DIM_EDIT"),
        dim_headers=header,
    )
    path = tmp_path / f"scan{ending}"
    nifti.write(data, path)
    scan = Scan(path)
    assert [(d.tag, d.size, d.names) for d in scan.dimensions] == [
        ("DIM_COIL", 4, ()),
        ("DIM_DYN", 3, ()),
        ("DIM_EDIT", 2, ("ON", "OFF")),
    ]
    for voxel, places in (((2, 1, 0), (3, 0, 1)), ((0, 1, 0), (1, 2, 0))):
        lines = scan.lines(voxel, places)
        assert np.allclose(lines.data, expected(nifti.read(path).fid[voxel][:, *places]), atol=1e-6)
        assert (lines.fit, lines.baseline, lines.residual, lines.sd) == (None,) * 4
    assert scan.where((3, 0, 1)) == "DIM_COIL 3, DIM_DYN 0, DIM_EDIT 1: OFF"
    turned = scan.lines((2, 1, 0), (3, 0, 1), Display(phase_deg=180))
    assert np.allclose(turned.data, -scan.lines((2, 1, 0), (3, 0, 1)).data)
    with pytest.raises(DataError, match="higher dimensions"):
        scan.lines((2, 1, 0), (4, 0, 0))
    assert scan.lines((3, 0, 0), (0, 0, 0)) is None
    scan.close()


@pytest.mark.parametrize(("nucleus", "mhz", "inside"), [("31P", 49.9, 0.0), ("1H", 123.2, 2.0)])
def test_the_axis_is_that_of_the_nucleus(tmp_path, nucleus, mhz, inside):
    fid = np.exp(-np.arange(256) / 40).astype(np.complex64).reshape(1, 1, 1, 256)
    data = MRSData(fid, 2.5e-4, mhz, nucleus=nucleus)
    nifti.write(data, tmp_path / "scan.nii")
    lines = Scan(tmp_path / "scan.nii").lines((0, 0, 0), ())
    assert np.allclose(lines.ppm, data.ppm_axis)
    assert lines.limits_ppm[0] < inside < lines.limits_ppm[1]
    assert (lines.limits_ppm == (0.2, 4.2)) == (nucleus == "1H")


def test_the_metabolites_of_a_fit_have_their_names():
    path = viewer_results.svs() / "metabolites.nii.gz"
    scan = Session().open_scan(path)
    (dimension,) = scan.dimensions
    assert dimension.tag == "DIM_USER_0"
    place = dimension.names.index("NAA")
    assert dimension.label(place) == f"DIM_USER_0 {place}: NAA"
    lines = scan.lines((0, 0, 0), (place,))
    assert np.allclose(lines.data, expected(nifti.read(path).fid[0, 0, 0, :, place]), atol=1e-6)


def test_a_voxel_without_signal_has_no_line_and_no_nifti_mrs_is_refused(tmp_path):
    fid = np.zeros((2, 1, 1, 32), dtype=np.complex64)
    fid[1] = 1
    nifti.write(MRSData(fid, 5e-4, 123.2), tmp_path / "scan.nii")
    scan = Scan(tmp_path / "scan.nii")
    assert scan.lines((0, 0, 0), ()) is None
    assert scan.lines((1, 0, 0), ()) is not None
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4)), tmp_path / "plain.nii.gz")
    with pytest.raises(DataError, match="not NIfTI-MRS"):
        Scan(tmp_path / "plain.nii.gz")


def test_opening_a_fit_puts_the_scan_aside():
    session = Session()
    scan = session.open_scan(viewer_results.svs() / "metabolites.nii.gz")
    assert (session.scan, session.places) == (scan, (0,))
    session.open(viewer_results.svs())
    assert session.scan is None
    session.show(scan)
    assert session.open_scan(scan.path) is scan
    session.close()
    assert (session.scans, session.scan, session.places) == ([], None, ())
