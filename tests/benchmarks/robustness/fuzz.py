"""Inputs of every kind, spoiled at random and given to the commands that read them."""

import gzip
import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.evaluation.models import models
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.package import find
from fsl_mrs_dl.simulate.files import simulate
from fsl_mrs_dl.steps.exit_status import guarded
from fsl_mrs_dl.steps.options import Option, describe
from fsl_mrs_dl.steps.registry import steps
from fsl_mrs_dl.steps.synthesise import synthesise
from tests.benchmarks.robustness.attempt import Work, attempt, quiet
from tests.benchmarks.robustness.damaged_files import OUTCOMES, counts_table
from tests.benchmarks.robustness.mutate import any_word, spoiled_bytes, spoiled_json, spoiled_table
from tests.benchmarks.robustness.scenarios import Scenario, left_behind, run_step, scenarios, standing
from tests.benchmarks.table import Table

_MODEL = "align-dsr-1h-3t"
_FIT = ("--TE", "30", "--TR", "2", "--baseline", "poly, 2", "--no_posterior", "--keep", "NAA", "Cr", "PCr")
_WATER = 1e4
"""First point of the water reference, thousands of times that of a metabolite."""
METHOD = """\
Other inputs are spoiled by their bytes, their text, or one value of another kind, sign or size, and given to a
command that reads them. There `half-written` also counts results that a refusal changed, and temporary files left
behind."""


@dataclass(frozen=True)
class Originals:
    """Whole inputs in a folder, and a folder of results in ``results``."""

    folder: Path
    commands: Mapping[str, Scenario]

    @classmethod
    def simulated(cls, folder: Path, rng: np.random.Generator) -> "Originals":
        """Make them."""
        align, single, many = scenarios(folder, rng)
        image = nib.Nifti1Image(np.ones((2, 2, 1), dtype=np.float32), nib.load(folder / "mrsi.nii.gz").affine)
        nib.save(image, folder / "mask.nii")
        (folder / "times.json").write_text('{"H2O_WM": 0.8, "H2O_GM": 1.3, "H2O_CSF": 3.8, "METAB": 1.3}')
        (folder / "config.toml").write_text(
            'ppmlim = [0.2, 4.2]\nkeep = ["NAA", "Cr", "PCr"]\nno_posterior = true\n'
        )
        (folder / "recipe.toml").write_text("shift_hz = {uniform = [-5, 5]}\nphase_deg = {normal = [0, 5]}\n")
        (folder / "wanted.csv").write_text("PCr,NAA\n3.5,10\n4.0,9\n")
        basis = read_basis(folder / "basis")
        (folder / "set.BASIS").write_text(_lcmodel_text(basis))
        svs = nifti.read(folder / "svs.nii.gz")
        line = np.exp(-20 * svs.dwelltime_s * np.arange(svs.n_points))  # on resonance, 1 s / 20 of decay
        water = svs.with_fid(_WATER * line[None, None, None].astype(svs.fid.dtype))
        nifti.write(water, folder / "water.nii.gz")
        shutil.copytree(find(_MODEL), folder / "package")
        with quiet():
            run_step(align.line(folder / "aligned", new=False))
            run_step(many.line(folder / "results", new=False))
        return cls(folder, {"align": align, "single": single, "many": many})

    def fit(self, name: str, output: Path, *more: str) -> Work:
        """Return a fit of ``svs`` or ``mrsi``."""
        basis = [] if "--basis" in more else ["--basis", str(self.folder / "basis")]
        data = str(self.folder / f"{name}.nii.gz")
        return lambda: run_step(["quantify", "--data", data, *basis, *_FIT, "--output", str(output), *more])


Subject = Callable[[Originals, Path, np.random.Generator], Work]
"""Spoils an input in a folder, and returns a command that reads it and writes into ``out`` there."""


def _basis(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    shutil.copytree(whole.folder / "basis", folder / "basis")
    file = sorted((folder / "basis").iterdir())[int(rng.integers(3))]
    content = (folder / "basis" / ("Cr.json" if rng.random() < 0.5 else file.name)).read_bytes()
    file.write_bytes(spoiled_json(content, rng))
    return whole.fit("svs", folder / "out", "--basis", str(folder / "basis"))


def _lcmodel(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    (folder / "set.BASIS").write_bytes(spoiled_bytes((whole.folder / "set.BASIS").read_bytes(), rng))
    return whole.fit("svs", folder / "out", "--basis", str(folder / "set.BASIS"))


def _lcmodel_text(basis: Basis) -> str:
    """Return three members of a basis set as LCModel's file of spectra, in the other sign of memory."""
    step_s, n = basis.dwelltime_s, basis.fids.shape[1]
    text = f" $SEQPAR\n HZPPPM = {basis.spectrometer_frequency_mhz}, SEQ = 'press' $END\n"
    text += f" $BASIS1\n FMTBAS = '(2E15.6)', BADELT = {step_s}, NDATAB = {n} $END\n"
    for name in ("NAA", "Cr", "PCr"):
        spectrum = np.fft.fft(np.conj(basis.fids[basis.names.index(name)]))
        text += " $NMUSED\n PPMSEP = 4.65, XTRASH = 0.0 $END\n"
        text += f" $BASIS\n ID = '{name}', METABO = '{name}', CONC = 1., ISHIFT = 0 $END\n"
        text += "".join(f"{value.real:15.6E}{value.imag:15.6E}\n" for value in spectrum)
    return text


def _image(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    content = bytearray((whole.folder / "mask.nii").read_bytes())
    if rng.random() < 0.5:  # a field of the header
        at = 4 * int(rng.integers(88))
        content[at : at + 4] = rng.bytes(4)
    bad = bytes(content) if rng.random() < 0.3 else spoiled_bytes(bytes(content), rng)
    path = folder / ("bad.nii.gz" if rng.random() < 0.5 else "bad.nii")
    path.write_bytes(gzip.compress(bad, 1) if path.suffix == ".gz" else bad)
    if rng.random() < 0.5:
        return whole.fit("mrsi", folder / "out", "--mask", str(path))
    good = str(whole.folder / "mask.nii")
    return whole.fit("mrsi", folder / "out", "--tissue_frac", str(path), good, good)


def _estimates(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    (folder / "x.csv").write_bytes(
        spoiled_table((whole.folder / "aligned" / "x_align.csv").read_bytes(), rng)
    )
    line = [
        *whole.commands["align"].new[:5],
        "--apply",
        str(folder / "x.csv"),
        "--output",
        str(folder / "out"),
    ]
    return lambda: run_step(line)


def _amounts(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    (folder / "wanted.csv").write_bytes(spoiled_table((whole.folder / "wanted.csv").read_bytes(), rng))
    words = (str(folder / "wanted.csv"),)
    return lambda: guarded(
        lambda: synthesise(output=folder / "out", concentrations=words),
        "fsl_mrs_dl synthesise",
        verbose=False,
    )


def _times(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    (folder / "t.json").write_bytes(spoiled_json((whole.folder / "times.json").read_bytes(), rng))
    water = str(whole.folder / "water.nii.gz")
    return whole.fit("svs", folder / "out", "--h2o", water, "--t1_values", str(folder / "t.json"))


def _settings(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    if rng.random() < 0.5:
        (folder / "c.toml").write_bytes(spoiled_bytes((whole.folder / "config.toml").read_bytes(), rng))
        return whole.fit("svs", folder / "out", "--config", str(folder / "c.toml"))
    (folder / "r.toml").write_bytes(spoiled_bytes((whole.folder / "recipe.toml").read_bytes(), rng))
    line = ["augment", "--file", str(whole.folder / "transients.nii.gz"), "--recipe", str(folder / "r.toml")]
    return lambda: run_step([*line, "--output", str(folder / "out")])


def _package(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    shutil.copytree(whole.folder / "package", folder / "package")
    card, weights = folder / "package" / "card.json", folder / "package" / "weights.safetensors"
    if rng.random() < 0.7:
        card.write_bytes(spoiled_json(card.read_bytes(), rng))
    else:
        weights.write_bytes(spoiled_bytes(weights.read_bytes()[:4096], rng) + weights.read_bytes()[4096:])
    model = f"{folder}/package"
    if rng.random() < 0.5:
        return lambda: guarded(lambda: models("show", model), "fsl_mrs_dl models", verbose=False)
    line = [
        *whole.commands["align"].new[:5],
        "--method",
        "dsr",
        "--model",
        model,
        "--output",
        str(folder / "out"),
    ]
    return lambda: run_step(line)


def _options(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    """Give some options of a step, or of a tool that makes data, words that few can use."""
    tools: dict[str, Callable[..., None]] = {"simulate": simulate, "synthesise": synthesise}
    known = steps()
    name = str(rng.choice([*known, *tools]))
    options = known[name].options if name in known else describe(tools[name]).options
    free = [
        o
        for o in options
        if o.name not in ("output", "overwrite", "basis", "reference", "h2o", "file", "adapt")
    ]
    chosen = [
        free[int(i)]
        for i in rng.choice(len(free), size=min(len(free), int(rng.integers(1, 4))), replace=False)
    ]
    if name in tools:
        passed = {o.name: _value(o, rng) for o in chosen}
        tool = tools[name]
        return lambda: guarded(
            lambda: tool(output=folder / "out", **_checked(chosen, passed)),
            f"fsl_mrs_dl {name}",
            verbose=False,
        )
    words = [word for option in chosen for word in _words(option, rng)]
    if known[name].fits:
        return whole.fit("svs", folder / "out", *words)
    data = whole.folder / "transients.nii.gz"
    line = [name, "--file", str(data), "--output", str(folder / "out"), *words]
    if any(option.name == "reference" for option in known[name].options):
        line += ["--reference", str(data)]
    return lambda: run_step(line)


def _checked(options: Sequence[Option], passed: Mapping[str, object]) -> dict[str, object]:
    return {option.name: option.check(passed[option.name]) for option in options}


def _value(option: Option, rng: np.random.Generator) -> object:
    """Return a value for an option in Python, a list where it takes one."""
    if option.kind is bool:
        return bool(rng.random() < 0.5)
    if option.choices and rng.random() < 0.5:
        return option.choices[int(rng.integers(len(option.choices)))]
    if option.count is None:
        return any_word(rng)
    return [any_word(rng) for _ in range(option.count if option.count > 0 else int(rng.integers(1, 4)))]


def _words(option: Option, rng: np.random.Generator) -> list[str]:
    """Return words of a command line for an option."""
    if option.kind is bool:
        return [f"--{option.name}"]
    value = _value(option, rng)
    values = value if isinstance(value, list) else [value]
    # With a sign of equality, or a word that begins with a dash would be another flag.
    return [f"--{option.name}={values[0]}"] if len(values) == 1 else [f"--{option.name}", *map(str, values)]


def _results(whole: Originals, folder: Path, rng: np.random.Generator) -> Work:
    """Spoil the record of an earlier run, one of its results, or what a killed run left behind."""
    shutil.copytree(whole.folder / "results", folder / "out")
    kind = int(rng.integers(4))
    record = folder / "out" / "run.json"
    if kind == 0:
        record.write_bytes(spoiled_json(record.read_bytes(), rng))
    elif kind == 1:
        files = sorted(path for path in (folder / "out").rglob("*") if path.is_file())
        path = files[int(rng.integers(len(files)))]
        path.write_bytes(spoiled_bytes(path.read_bytes(), rng))
    else:
        aside = folder / "out" / ".fsl_mrs_dl_dead"
        (aside / "new").mkdir(parents=True)
        (aside / "new" / "x.csv").write_text("new")
        journal = {"new": {"x.csv": "0"}, "old": {"run.json": "0"}, "last": "x.csv", "folders": ["a"]}
        (aside / "journal.json").write_bytes(spoiled_json(json.dumps(journal).encode(), rng))
        if kind == 3:
            (aside / "owner.json").write_bytes(
                spoiled_json(b'{"host": "h", "pid": 1, "names": ["run.json"]}', rng)
            )
    return whole.fit("mrsi", folder / "out", "--overwrite")


SUBJECTS: Mapping[str, Subject] = {
    "basis set, JSON": _basis,
    "basis set, LCModel": _lcmodel,
    "mask, tissue image": _image,
    "table of estimates": _estimates,
    "table of amounts": _amounts,
    "relaxation times": _times,
    "settings, TOML": _settings,
    "model package": _package,
    "options": _options,
    "results, journal": _results,
}


def fuzz_table(n: int, folder: Path, rng: np.random.Generator) -> tuple[Table, list[str]]:
    """Spoil inputs of every kind, a command each.

    Parameters
    ----------
    n : int
        Of each kind.
    folder : Path
    rng : numpy.random.Generator

    Returns
    -------
    table : Table
    results : list of str
        The last lines of the tracebacks, each once.
    """
    (folder / "whole").mkdir()
    whole = Originals.simulated(folder / "whole", rng)
    counts: dict[str, Counter[str]] = {name: Counter() for name in SUBJECTS}
    results: list[str] = []
    for name, subject in SUBJECTS.items():
        for at in tqdm(range(n), desc=name, leave=False, disable=None):
            place = folder / "spoiled"
            place.mkdir()
            outcome, line = _tried(subject(whole, place, rng), place)
            counts[name][outcome] += 1
            if (
                outcome not in ("done", "refused")
                and (text := f"{name} {at}: {outcome}: {line}") not in results
            ):
                results.append(text)
            shutil.rmtree(place)
    caption = (
        f"Other inputs, spoiled at random, one command each. Peak memory of all of them: {_peak_gb():.2f} GB."
    )
    return counts_table(caption, "commands", counts, OUTCOMES, kind="input"), results


def _tried(work: Work, place: Path) -> tuple[str, str]:
    """Run a command; return what came of it and, where that is a defect, what was said."""
    out = place / "out"
    before = standing(out) if out.exists() else None
    ended = attempt(work)
    if ended.defect:
        return ended.defect, ended.text
    if ended.refused:
        after = standing(out) if out.exists() else None
        # A journal is brought to its end before what is refused is refused.
        same = before == after or (before is not None and not left_behind(out))
        return ("refused", "") if same else ("half-written", ended.text)
    return ("half-written", "temporary files") if out.exists() and left_behind(out) else ("done", "")


def _peak_gb() -> float:
    """Return the most memory that this process has had, in GB; NaN where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists() or sys.platform != "linux":
        return float("nan")
    return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024**2
