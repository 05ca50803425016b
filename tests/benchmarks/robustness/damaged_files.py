"""Damaged input files, one command each; and ``align`` killed at random moments."""

import gzip
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.simulate import (
    Fixed,
    Noise,
    Prior,
    Uniform,
    brain_amplitudes,
    brain_singlets,
    simulate_transients,
)
from fsl_mrs_dl.simulate.coils import draw_coils
from fsl_mrs_dl.simulate.editing import edited_singlets
from fsl_mrs_dl.steps.command import run as run_command
from fsl_mrs_dl.steps.registry import Step, steps
from tests.benchmarks.robustness.attempt import HANG_S, attempt
from tests.benchmarks.robustness.damage import DAMAGES
from tests.benchmarks.table import Table

OUTCOMES = ("done", "refused", "traceback", "hang", "half-written")
_N_POINTS, _DWELLTIME_S, _FREQUENCY_MHZ = 128, 5e-4, 127.7  # short FIDs, for speed; 3 T


def damaged_table(n: int, folder: Path, rng: np.random.Generator) -> Table:
    """Damage files, give each to a command, and count what comes of it."""
    originals = _originals(folder, rng)
    counts = {damage: Counter[str]() for damage in DAMAGES}
    names = list(DAMAGES)
    for i in tqdm(range(n), desc="files", leave=False, disable=None):
        damage = names[i % len(names)]
        counts[damage][_one(originals, damage, folder / str(i), rng)] += 1
    return counts_table("Damaged files, one command each.", "files", counts, OUTCOMES)


def counts_table(
    title: str,
    what: str,
    counts: Mapping[str, Counter[str]],
    outcomes: Sequence[str],
    *,
    kind: str = "damage",
) -> Table:
    """Return a table of how often each kind had each outcome, with a row for all."""
    total = sum(counts.values(), Counter[str]())
    rows = [[d, str(c.total()), *(str(c[o]) for o in outcomes)] for d, c in {**counts, "all": total}.items()]
    return Table(title, [kind, what, *outcomes], rows)


def random_kills_table(n: int, folder: Path, rng: np.random.Generator) -> Table:
    """Kill ``align --overwrite`` at random moments."""
    kills = _kills(n, folder, rng)
    return Table(
        "`align --overwrite` killed at a random moment: the file that then has the name of the output.",
        ["kills", "old", "new", "neither"],
        [[str(kills.total()), *(str(kills[o]) for o in ("old", "new", "neither"))]],
    )


METHOD = f"""\
A small simulated file (2 coils, 4 transients, ON and OFF; for `quantify` one averaged spectrum) is damaged at
random and given to a random step, as its input or as its reference. `done`: exit 0 with files that can be read;
`refused`: exit 2, one line, nothing written; `traceback`: anything else that came out; `hang`: more than
{HANG_S} s; `half-written`: an output that cannot be read, or anything left behind by a refusal."""


@dataclass(frozen=True)
class _Originals:
    """Whole files as bytes, one of transients and one averaged spectrum, and the basis set of the latter."""

    transients: bytes
    spectrum: bytes
    basis: Path


def _originals(folder: Path, rng: np.random.Generator) -> _Originals:
    pair = edited_singlets(_FREQUENCY_MHZ, _DWELLTIME_S, _N_POINTS)
    singlets = brain_singlets(_FREQUENCY_MHZ, _DWELLTIME_S, _N_POINTS)
    prior = Prior(
        amplitudes=brain_amplitudes([n for n in pair.off.names if n in singlets.names]),
        noise=Noise(Fixed(30.0), "snr_t0"),
        shift_hz=Uniform(-3, 3),
    )
    sampling = (_N_POINTS, _DWELLTIME_S, _FREQUENCY_MHZ)
    edited = simulate_transients(prior, pair, 4, *sampling, rng, coils=draw_coils(2, rng))
    single = simulate_transients(
        replace(prior, amplitudes=brain_amplitudes(singlets.names)), singlets, None, *sampling, rng
    )
    written = []
    for name, simulated in (("edited.nii", edited), ("single.nii", single)):
        nifti.write(simulated.data.with_fid(simulated.data.fid.astype(np.complex64)), folder / name)
        written.append((folder / name).read_bytes())
    write_json_basis(singlets, folder / "basis_of_damaged")
    return _Originals(written[0], written[1], folder / "basis_of_damaged")


def _one(originals: _Originals, damage: str, folder: Path, rng: np.random.Generator) -> str:
    """Damage a copy, run a command on it, and return what came of it."""
    folder.mkdir()
    known = steps()
    chosen = known[str(rng.choice(sorted(known)))]
    original = originals.spectrum if chosen.fits else originals.transients
    (folder / "whole.nii").write_bytes(original)
    bad = DAMAGES[damage](original, rng)
    packed = rng.random() < 0.5
    path = folder / ("bad.nii.gz" if packed else "bad.nii")
    path.write_bytes(gzip.compress(bad, 1) if packed else bad)
    arguments = _arguments(chosen, path, folder, originals.basis, as_reference=rng.random() < 0.3)
    return outcome_of(chosen, arguments, folder / "out", "fit.nii.gz" if chosen.fits else "x.nii.gz")


def outcome_of(chosen: Step, arguments: list[str], out: Path, main: str) -> str:
    """Run a step as a command, and return in a word what came of it.

    Parameters
    ----------
    chosen : Step
    arguments : list of str
    out : Path
        Folder that it writes.
    main : str
        The file there that must be readable afterwards.

    Returns
    -------
    str
        done, refused, traceback, hang or half-written.
    """
    ended = attempt(lambda: run_command(chosen, arguments))
    if ended.defect:
        return ended.defect
    if ended.refused:
        return "half-written" if out.exists() else "refused"
    written = sorted(p.name for p in out.iterdir())
    if any(name.startswith(".") for name in written):
        return "half-written"
    return "done" if (out / main).is_file() and _readable(out / main) else "half-written"


def _arguments(chosen: Step, bad: Path, folder: Path, basis: Path, *, as_reference: bool) -> list[str]:
    """Return a command line with the damaged file as input, or as water or phase reference."""
    references = [o for o in chosen.options if o.name in ("reference", "h2o")]
    as_reference = as_reference and bool(references)
    file, reference = (folder / "whole.nii", bad) if as_reference else (bad, folder / "whole.nii")
    arguments = ["--data" if chosen.fits else "--file", str(file), "--output", str(folder / "out")]
    arguments += ["--basis", str(basis), "--TE", "30", "--TR", "2"] if chosen.fits else ["--filename", "x"]
    if references and (as_reference or references[0].required):
        arguments += [f"--{references[0].name}", str(reference)]
    return arguments


def _kills(n: int, folder: Path, rng: np.random.Generator) -> Counter[str]:
    """Kill ``align`` while it replaces an earlier output, and look at what is there."""
    whole, out = folder / "whole.nii", folder / "killed"
    whole.write_bytes(_large(folder, rng))
    command = [sys.executable, "-m", "fsl_mrs_dl", "align", "--file", str(whole), "--output", str(out)]
    command += ["--filename", "x", "--overwrite", "--method", "corr"]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    whole_s = time.perf_counter() - started
    counts: Counter[str] = Counter()
    for _ in tqdm(range(n), desc="kills", leave=False, disable=None):
        old = (out / "x.nii.gz").read_bytes()
        # Mostly late, when files are written.
        with subprocess.Popen(command) as process:
            time.sleep(whole_s * (1 - 0.7 * rng.random() ** 2))
            process.kill()
        now = (out / "x.nii.gz").read_bytes() if (out / "x.nii.gz").exists() else b""
        counts["old" if now == old else "new" if _readable(out / "x.nii.gz") else "neither"] += 1
    return counts


def _large(folder: Path, rng: np.random.Generator) -> bytes:
    basis = brain_singlets(_FREQUENCY_MHZ, 2.5e-4, 2048)
    prior = Prior(amplitudes=brain_amplitudes(basis.names), noise=Noise(Fixed(20.0), "snr_t0"))
    nifti.write(
        simulate_transients(prior, basis, 320, 2048, 2.5e-4, _FREQUENCY_MHZ, rng).data, folder / "l.nii"
    )
    return (folder / "l.nii").read_bytes()


def _readable(path: Path) -> bool:
    try:
        nifti.read(path)
    except MRSDLError:
        return False
    return True
