"""Write and read ``run.json``: the settings of a run, its inputs and software, and every file that it wrote."""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import FLAGS, VERDICTS, Basis, MRSData, basis_hash
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.names import shown
from fsl_mrs_dl.io.results.outcome import Outcome

RUN_RECORD = "run.json"
_OWN_HASH = "record_sha256"
_PACKAGES = ("numpy", "scipy", "nibabel", "nifti-mrs")


def run_record(
    outcome: Outcome,
    settings: Mapping[str, Any],
    files: Mapping[str, str],
    step: str,
    processing: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the text of ``run.json``; it is published after all other files, and so marks complete results.

    Parameters
    ----------
    outcome : Outcome
    settings : mapping
        The resolved settings of the step by name.
    files : mapping of str to str
        Every other file of the run, relative to the folder -> SHA-256 of its content.
    step : str
        Name of the step.
    processing : sequence of mapping
        The steps of a chain before the fit, see :func:`fsl_mrs_dl.report.stages.stage_measures`.

    Returns
    -------
    str
    """
    basis = outcome.basis
    content = {
        "program": "fsl_mrs_dl",
        "version": __version__,
        "step": step,
        "time": datetime.now().isoformat(timespec="milliseconds"),
        "settings": {name: _plain(value) for name, value in settings.items()},
        "processing": [dict(one) for one in processing] or None,
        "model": None,
        "seed": None,
        "basis": {
            "name": basis.name,
            "format": basis.file_format,
            "sha256": basis_hash(basis),
            "sequence": basis.sequence or None,
            "echo_time_s": basis.echo_time_s,
            "metabolites": list(basis.names),
            "groups": list(outcome.groups),
            "notes": list(basis.notes),
        },
        "water": _water(outcome),
        "posterior": None if outcome.posterior is None else dict(outcome.posterior),
        "hypotheses": _hypotheses(outcome),
        "voxels": len(outcome.voxels),
        "verdict": _verdict(outcome),
        "flags": _flags(outcome),
        "residual": _residual(outcome),
        "notes": list(outcome.notes),
        "doubts": list(outcome.doubts),
        "software": {"python": platform.python_version(), **_versions()},
        "complete": True,
        "files": sorted([*files, RUN_RECORD]),
        "sha256": dict(sorted(files.items())),
    }
    return _text({**content, _OWN_HASH: _hash(content)})


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _hash(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record, which shows whether it was edited."""
    return hashlib.sha256(_text(content).encode()).hexdigest()


def _hypotheses(outcome: Outcome) -> list[dict[str, Any]] | None:
    """Return the hypotheses with a weight, best first: of one spectrum, or the mean over voxels."""
    if outcome.hypothesis is None or outcome.hypothesis_weight is None:
        return None
    known = outcome.hypothesis[:, 0] >= 0
    total = np.zeros(len(outcome.hypotheses))
    np.add.at(total, outcome.hypothesis[known], outcome.hypothesis_weight[known])
    mean = total / max(int(known.sum()), 1)
    order = np.argsort(-mean)
    return [
        {"index": int(index), "hypothesis": outcome.hypotheses[index], "weight": _plain(float(mean[index]))}
        for index in order
        if mean[index] > 0
    ]


def _verdict(outcome: Outcome) -> dict[str, Any] | None:
    """Return verdict, reason and measures of one spectrum; for many spectra, the number of each verdict."""
    if outcome.verdict is None:
        return None
    words = {level.code: word for word, level in VERDICTS.items()}
    if not outcome.single_voxel:
        counts = Counter(words[code] for code in outcome.verdict.tolist())
        causes = Counter(cause for cause in outcome.causes if cause)
        return {"voxels": dict(counts), "causes": dict(causes.most_common())}
    measures = {key: _plain(float(values[0])) for key, values in (outcome.quality or {}).items()}
    return {"verdict": words[int(outcome.verdict[0])], "reason": outcome.reasons[0], "measures": measures}


def _flags(outcome: Outcome) -> dict[str, int]:
    """Count the voxels with each flag; flags without voxels are left out."""
    counts = Counter({token: int(((outcome.flags >> flag.bit) & 1).sum()) for token, flag in FLAGS.items()})
    return {token: count for token, count in counts.items() if count}


def _residual(outcome: Outcome) -> dict[str, Any] | None:
    """Return the measures of the residual of one spectrum; None for many spectra, which have maps."""
    names = ("misfit", "surprise", "widening", "line_ppm", "line_z")
    values = {name: getattr(outcome, name) for name in names}
    if not outcome.single_voxel or any(value is None for value in values.values()):
        return None
    return {name: _plain(float(value[0])) for name, value in values.items()}


def _water(outcome: Outcome) -> dict[str, Any] | None:
    water = outcome.water
    if water is None:
        return None
    fractions = water.fractions
    return {
        "echo_time_s": water.echo_time_s,
        "repetition_time_s": water.repetition_time_s,
        "water_echo_time_s": water.echo_time_s
        if water.water_echo_time_s is None
        else water.water_echo_time_s,
        "water_repetition_time_s": (
            water.repetition_time_s
            if water.water_repetition_time_s is None
            else water.water_repetition_time_s
        ),
        "reference": list(water.reference),
        "protons": water.protons,
        "limits_ppm": list(water.limits_ppm),
        "t1_s": dict(water.t1_s),
        "t2_s": dict(water.t2_s),
        "tissue_fractions": (
            "pure water"
            if fractions is None
            else {name: _plain(float(values[0])) for name, values in fractions.items()}
            if outcome.single_voxel
            else "by voxel"
        ),
        "water_area": _plain(float(water.water_area[0])) if outcome.single_voxel else "by voxel",
        "reference_area": _plain(float(water.reference_area[0])) if outcome.single_voxel else "by voxel",
        "scale": water.scale,
    }


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "unknown"
    return versions


def _plain(value: Any) -> Any:
    """Return a setting as a JSON value; data in memory are named by their file."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, (MRSData, Basis)):
        return value.name or "given in memory"
    if isinstance(value, Path):
        return shown(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return "given in memory"


def files_of_earlier_run(folder: Path) -> dict[str, str]:
    """Return the files that an earlier run wrote into a folder, as its ``run.json`` lists them.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to str
        Name -> SHA-256 of what was written, ``run.json`` among them; empty if there is none.

    Raises
    ------
    DataError
        If it is damaged, was edited, or names a file outside of the folder.
    """
    path = folder / RUN_RECORD
    if not path.exists():
        return {}
    try:
        encoded = path.read_bytes()
        content = json.loads(encoded)
        if content.get("program") != "fsl_mrs_dl":
            raise ValueError("it is not a record of fsl_mrs_dl")
        own = content.pop(_OWN_HASH, None)
        if own is None:
            raise ValueError("it is of a version that kept no checksums")
        if own != _hash(content):
            raise ValueError("it was edited")
        files = content["sha256"]
        if not all(isinstance(word, str) for pair in files.items() for word in pair):
            raise ValueError("its list of files is damaged")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} does not say what an earlier run wrote ({error}); choose another --output folder."
        ) from error
    for name in files:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or name in ("", "."):
            raise DataError(
                f"{path} lists {name!r}, which lies outside of its folder; choose another --output."
            )
    return {**files, RUN_RECORD: hashlib.sha256(encoded).hexdigest()}
