"""``quantify`` of many voxels from file to folder: FSL-MRS's layout, masks, chunks, overwriting."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from quantify_scans import DT, F0, LINES, MOLAR, basis, run

from fsl_mrs_dl import physics
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.steps.quantify import quantify


def expected_files() -> set[str]:
    """The files of FSL-MRS's layout and ours: with water, and one metabolite in a group of its own."""
    names = [*LINES, "Cr+PCr"]
    theirs = {f"concs/{s}/{m}.nii.gz" for s in ("raw", "internal", "molality", "molarity") for m in names}
    theirs |= {f"uncertainties/{m}_sd.nii.gz" for m in names}
    theirs |= {f"qc/{m}_{q}.nii.gz" for m in LINES for q in ("snr", "fwhm")}
    kinds = ("shift", "combined_lw", "gamma", "sigma")
    theirs |= {f"nuisance/{k}_group{g}.nii.gz" for k in kinds for g in range(2)}
    theirs |= {"nuisance/p0.nii.gz", "nuisance/p1.nii.gz"}
    theirs |= {f"fit/{n}.nii.gz" for n in ("fit", "residual", "baseline")}
    theirs |= {"misc/metabolite_groups.json", "misc/mrs_fit_parameters.json"}
    ours = {
        "fit/parameters.nii.gz",
        "fit/parameters.json",
        "qc/flags.nii.gz",
        "qc/flags.json",
        *(f"qc/verdict.{end}" for end in ("nii.gz", "json", "csv")),
        "qc/ood.nii.gz",
        *(f"qc/{name}.nii.gz" for name in ("surprise", "widening", "line_ppm", "line_z")),
        "run.json",
    }
    ours |= {"mrsdl.tree", "mrsdl_colourscheme.json", *(f"basis/{m}.json" for m in LINES)}
    inner = ("", "internal/", "molality/", "molarity/")
    ends = ("68_low", "68_high", "95_low", "95_high")
    ours |= {f"intervals/{s}{m}_ci{end}.nii.gz" for s in inner for m in names for end in ends}
    ours |= {f"posterior/{s}{m}_{what}.nii.gz" for s in inner for m in names for what in ("mean", "sd")}
    ours |= {f"posterior/{m}_shrinkage.nii.gz" for m in names}
    return theirs | ours


class TestManyVoxels:
    def test_shifts_of_members_are_written_where_they_are_fitted(self, folder: Path) -> None:
        assert run(folder, "mrsi", "--metab_shift_ppm", "0.008", "--keep", "NAA", "Cr") == 0
        said = json.loads((folder / "out" / "fit" / "parameters.json").read_text())
        assert {"shift_NAA", "shift_Cr"} <= {parameter["name"] for parameter in said["parameters"]}

    def test_layout_is_that_of_fsl_mrsi(self, folder: Path) -> None:
        water = str(folder / "mrsi_water.nii.gz")
        assert run(folder, "mrsi", "--h2o", water, "--metab_groups", "GPC") == 0
        out = folder / "out"
        assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == expected_files()
        image = nib.load(out / "concs" / "molarity" / "NAA.nii.gz")
        np.testing.assert_array_equal(image.affine, nib.load(folder / "mrsi.nii.gz").affine)
        np.testing.assert_allclose(image.get_fdata().ravel(), MOLAR["NAA"], rtol=0.05)
        mean, spread, low, high = (
            nib.load(out / f"{name}.nii.gz").get_fdata().ravel()
            for name in (
                "posterior/molarity/NAA_mean",
                "posterior/molarity/NAA_sd",
                "intervals/molarity/NAA_ci95_low",
                "intervals/molarity/NAA_ci95_high",
            )
        )
        assert ((low < mean) & (mean < high)).all()
        # Nearly normal; the ends of 192 correlated draws are known to a fifth.
        np.testing.assert_allclose((high - low) / spread, 3.92, rtol=0.25)
        raw = nib.load(out / "posterior" / "NAA_mean.nii.gz").get_fdata().ravel()
        factor = (
            image.get_fdata().ravel() / nib.load(out / "concs" / "raw" / "NAA.nii.gz").get_fdata().ravel()
        )
        np.testing.assert_allclose(mean, raw * factor, rtol=1e-5)
        sd = nib.load(out / "uncertainties" / "NAA_sd.nii.gz").get_fdata()
        assert np.all((sd > 0.1) & (sd < 5))
        shifts = nib.load(out / "nuisance" / "shift_group0.nii.gz").get_fdata().ravel()
        np.testing.assert_allclose(shifts, -(2.0 - np.arange(8) % 4) / F0, atol=3e-3)
        assert nib.load(out / "qc" / "flags.nii.gz").get_data_dtype() == np.int16

    def test_parameters_and_basis_draw_the_fit(self, folder: Path) -> None:
        assert run(folder, "mrsi", "--baseline", "off") == 0
        out = folder / "out"
        said = json.loads((out / "fit" / "parameters.json").read_text())
        volumes = nib.load(out / "fit" / "parameters.nii.gz").get_fdata()[5, 0, 0]
        value = dict(zip([p["name"] for p in said["parameters"]], volumes, strict=True))
        from fsl_mrs_dl.io.basis import read_basis

        members = read_basis(out / "basis")
        curve = sum(
            value[f"amplitude_{n}"] * fid for n, fid in zip(members.names, members.fids, strict=True)
        )[None]
        curve = physics.damp(curve, np.array([value["gamma_0"]]), np.array([value["sigma_0"]]), DT)
        curve = physics.shift(
            physics.phase(curve, np.array([value["phase"]])), np.array([value["shift_0"]]), DT
        )
        curve = physics.first_order_phase(curve, np.array([value["delay"]]), DT, value["shift_0"])
        drawn, ground = (nifti.read(out / "fit" / f"{n}.nii.gz").fid[5, 0, 0] for n in ("fit", "baseline"))
        assert np.abs(curve[0] + ground - drawn).max() < 1e-3 * np.abs(drawn).max()

    def test_mask_zero_and_bad_voxels(self, folder: Path) -> None:
        data = nifti.read(folder / "mrsi.nii.gz")
        fid = data.fid.copy()
        fid[1], fid[2] = 0, np.nan
        nifti.write(replace(data, fid=fid), folder / "mrsi.nii.gz")
        mask = np.ones((8, 1, 1), dtype=np.uint8)
        mask[0] = 0
        nib.save(nib.Nifti1Image(mask, data.affine), folder / "mask.nii.gz")
        assert run(folder, "mrsi", "--mask", str(folder / "mask.nii.gz"), "--report") == 0
        raw = nib.load(folder / "out" / "concs" / "raw" / "NAA.nii.gz").get_fdata().ravel()
        assert raw[:3].tolist() == [0, 0, 0]
        assert np.all(raw[3:] > 0)
        flags = np.asarray(nib.load(folder / "out" / "qc" / "flags.nii.gz").dataobj).ravel()
        assert flags.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
        assert json.loads((folder / "out" / "run.json").read_text())["flags"] == {"nonfinite": 1}

    def test_chunks_do_not_show(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        data, water = (
            nifti.read(folder / "mrsi.nii.gz"),
            nifti.read(folder / "mrsi_water.nii.gz"),
        )
        whole = quantify(data, basis=basis(), h2o=water).outcome
        monkeypatch.setattr("fsl_mrs_dl.fit.quantification.run.CHUNK", 3)
        parts = quantify(data, basis=basis(), h2o=water).outcome
        assert whole is not None
        assert parts is not None
        for scaling, scaled in whole.scaled.items():
            # Slopes are in single precision, and round otherwise: a millionth of the strongest member.
            close = {"rtol": 1e-6, "atol": 1e-6 * float(np.nanmax(scaled.value))}
            np.testing.assert_allclose(parts.scaled[scaling].value, scaled.value, **close)
            widest = scaled.extra["ci95_high"] - scaled.extra["ci95_low"]
            # Another width of a chunk rounds otherwise; a draw moves by far less than its spread.
            moved = parts.scaled[scaling].extra["posterior_mean"] - scaled.extra["posterior_mean"]
            assert (np.abs(moved) <= 0.01 * widest + 1e-12).all()
        np.testing.assert_allclose(parts.snr, whole.snr, rtol=1e-4)
        np.testing.assert_allclose(parts.fit, whole.fit, atol=1e-6)

    def test_data_are_fit_and_residual_where_they_were_fitted(self, folder: Path) -> None:
        chosen = np.ones((8, 1, 1), dtype=np.uint8)
        chosen[3] = 0
        nib.save(nib.Nifti1Image(chosen, np.diag([20.0, 20, 20, 1])), folder / "mask.nii.gz")
        assert run(folder, "mrsi", "--mask", str(folder / "mask.nii.gz"), "--keep", "NAA", "Cr") == 0
        data, fit, residual = (
            nifti.read(path).fid
            for path in (
                folder / "mrsi.nii.gz",
                *(folder / "out" / "fit" / f"{n}.nii.gz" for n in ("fit", "residual")),
            )
        )
        whole = np.where(chosen[..., None], data, 0)
        np.testing.assert_allclose(fit + residual, whole, atol=1e-5 * np.abs(data).max())
        assert np.abs(fit[0]).max() > np.abs(residual[0]).max()

    def test_overwrite_replaces_what_an_earlier_run_wrote_and_no_more(self, folder: Path) -> None:
        assert run(folder, "mrsi") == 0
        assert run(folder, "mrsi") == 2
        (folder / "out" / "concs" / "mine.txt").write_text("mine")
        assert run(folder, "mrsi", "--keep", "NAA", "Cr", "--overwrite") == 0
        raw = sorted(p.name for p in (folder / "out" / "concs" / "raw").iterdir())
        assert raw == ["Cr.nii.gz", "NAA.nii.gz"]
        assert (folder / "out" / "concs" / "mine.txt").read_text() == "mine"

    def test_a_foreign_result_is_left_alone(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "out" / "fit").mkdir(parents=True)
        (folder / "out" / "fit" / "fit.nii.gz").write_text("of another program")
        assert run(folder, "mrsi") == 2
        assert "--overwrite" not in capsys.readouterr().err
        assert run(folder, "mrsi", "--overwrite") == 2
        assert (folder / "out" / "fit" / "fit.nii.gz").read_text() == "of another program"
