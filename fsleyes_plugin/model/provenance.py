"""The provenance of a file, from its header."""

from dataclasses import dataclass
from pathlib import Path

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io.voxels import VoxelFile
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.folder import ResultFolder

SYNTHETIC = "SyntheticData"
_SKIPPED = ("Time", "Program", "Version", "Method", "Details")


@dataclass(frozen=True)
class Provenance:
    """The record of a file.

    Attributes
    ----------
    title : str
    synthetic : str
        Method of synthetic data; empty for a measurement.
    records : tuple of (str, str)
        Heading and text of each record, oldest first.
    """

    title: str
    synthetic: str
    records: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """Return everything as plain text."""
        lines = [self.title]
        if self.synthetic:
            lines += ["", f"SYNTHETIC DATA, not measured: {self.synthetic}"]
        for heading, text in self.records:
            lines += ["", heading, *(f"    {line}" for line in text.splitlines())]
        return "\n".join(lines)

    def newest_first(self) -> str:
        """Return one line for each record, that of the run first."""
        synthetic = [f"SYNTHETIC DATA, not measured: {self.synthetic}"] if self.synthetic else []
        lines = [f"{heading}: {'; '.join(text.splitlines())}" for heading, text in reversed(self.records)]
        return "\n".join([*synthetic, *lines])


@refusing_damage
def provenance_of(path: Path, folder: ResultFolder | None = None) -> Provenance:
    """Return the provenance of a NIfTI-MRS file, and of the run it belongs to.

    Parameters
    ----------
    path : Path
    folder : ResultFolder, optional
        Folder whose ``run.json`` is included.

    Raises
    ------
    DataError
        If the file is no NIfTI-MRS.
    """
    data = VoxelFile(path).one()
    records = [_record(entry) for entry in data.processing]
    if folder is not None and folder.record is not None:
        records.append(("run.json", _run(folder)))
    if not records:
        records.append(("No record", "The header does not say what was done (no ProcessingApplied)."))
    return Provenance(path.name, _synthetic(data), tuple(records))


def _record(entry: object) -> tuple[str, str]:
    record = dict(entry) if hasattr(entry, "keys") else {}  # type: ignore[call-overload]
    heading = (
        f"{record.get('Method', 'Step')}, {record.get('Program', '?')} {record.get('Version', '')}".rstrip()
    )
    lines = [str(record[key]) for key in ("Time", "Details") if record.get(key)]
    lines += [f"{key}: {value}" for key, value in record.items() if key not in _SKIPPED]
    return heading, "\n".join(lines)


def _run(folder: ResultFolder) -> str:
    record = folder.record or {}
    basis = record.get("basis") or {}
    model = record.get("model")
    lines = [f"{record.get('step')} of {record.get('program')} {record.get('version')}, {record.get('time')}"]
    lines.append(f"model: {model if model else 'none, a fit'}")
    if basis:
        lines.append(f"basis set: {basis.get('name')}, SHA-256 {basis.get('sha256')}")
    lines += [str(note) for note in [*basis.get("notes", ()), *record.get("notes", ())]]
    return "\n".join(dict.fromkeys(lines))


def _synthetic(data: MRSData) -> str:
    mark = data.header.get(SYNTHETIC)
    if mark is None:
        return ""
    value = mark.get("Value", mark) if isinstance(mark, dict) else mark
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)
