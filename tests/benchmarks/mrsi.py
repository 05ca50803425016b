"""Task ``mrsi``: a large uncompressed MRSI through the command, its time and memory beside its accuracy."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.data import FLAGS, Basis, Complex, MRSData, Real
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, basis_sum, on_points, phase
from fsl_mrs_dl.simulate import brain_amplitudes
from fsl_mrs_dl.simulate.shipped import shipped_basis
from tests.benchmarks.table import Page, Table

BASIS = "press_3t_te30"
POINTS, DWELLTIME_S = 512, 8e-4  # 0.4 s at 1250 Hz, as MRSI is sampled
SHAPES = {"smoke": (8, 8, 4), "small": (50, 50, 64), "paper": (64, 64, 100)}
NOISE_SD = 2.0  # of a channel, in units of the basis set: an SNR_f of about 50
FAILED_BOUNDS = 6.0  # an error that noise does not make
_MACROMOLECULES = 5.0  # amplitude of each macromolecule, in mmol/l: half that of NAA
_LARGEST_PERCENT = 999.0  # a bound in the maps of FSL-MRS's layout, at most
_SHOWN = ("NAA", "Cr", "PCr", "GPC", "Ins", "Glu", "Gln", "GSH")
_AT_ONCE = 4000  # voxels that are simulated together, for memory


_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss / 1024**2, used.ru_utime + used.ru_stime)
"""
"""Run a command and print its peak memory in GB and its processor time in s.

In a process of its own: a system counts the memory of the process that starts another one, which here is that of
the simulation, as the other's too.
"""


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    shape = SHAPES[profile]
    basis = read_basis(shipped_basis(BASIS))
    basis = on_points(basis, POINTS, DWELLTIME_S, basis.spectrometer_frequency_mhz)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        amplitudes, fids = simulate_grid(basis, int(np.prod(shape)), np.random.default_rng(seed))
        mhz = basis.spectrometer_frequency_mhz
        affine = np.diag([5.0, 5.0, 5.0, 1.0])
        nifti.write(
            MRSData(fids.reshape(*shape, POINTS), DWELLTIME_S, mhz, affine=affine), folder / "mrsi.nii"
        )
        del fids
        command = [sys.executable, "-m", "fsl_mrs_dl", "quantify", "--data", str(folder / "mrsi.nii")]
        command += ["--basis", BASIS, "--output", str(folder / "out")]
        started = time.perf_counter()
        process = subprocess.run(
            [sys.executable, "-c", _MEASURED, *command], check=True, stdout=subprocess.PIPE
        )
        seconds = time.perf_counter() - started
        peak_gb, busy = (float(word) for word in process.stdout.split()[-2:])
        metabolites = [i for i, name in enumerate(basis.names) if not name.startswith("MM")]
        names = [basis.names[i] for i in metabolites]
        z, flagged = _errors(folder / "out", names, amplitudes[:, metabolites])
    n = len(amplitudes)
    failed = int((np.abs(z) > FAILED_BOUNDS).any(axis=1).sum())
    speed = Table(
        "The whole command, from the start of the process to the last map. Where other programs run too, wall "
        "time is longer than processor time.",
        [
            "voxels",
            "points",
            "members",
            "wall (s)",
            "voxels/s",
            "processor (s)",
            "peak memory (GB)",
            "failures",
            "flagged",
        ],
        [
            [
                str(n),
                str(POINTS),
                str(len(basis.names)),
                f"{seconds:.0f}",
                f"{n / seconds:.0f}",
                f"{busy:.0f}",
                f"{peak_gb:.2f}",
                f"{failed} ({100 * failed / n:.3f} %)",
                str(flagged),
            ]
        ],
    )
    at = [names.index(member) for member in _SHOWN]
    accuracy = Table(
        "Of (estimate - truth) / bound, from the maps that the command wrote.",
        ["member", "RMS", "mean"],
        [[names[i], f"{np.sqrt((z[:, i] ** 2).mean()):.2f}", f"{z[:, i].mean():+.2f}"] for i in at],
    )
    return Page("A large MRSI", _METHOD.format(shape=" x ".join(map(str, shape))), [speed, accuracy])


_METHOD = f"""\
{{shape}} voxels of {POINTS} points, every one different, simulated with the shipped basis set {BASIS} and its
macromolecules, Voigt lines, shift within +-8 Hz, phase within +-29 degrees; uncompressed NIfTI-MRS, defaults of
`quantify`, whose prior over macromolecules stands in for those of the basis set. A failure is an amplitude of a
metabolite more than {FAILED_BOUNDS:g} bounds off, where the map tells a bound (below {_LARGEST_PERCENT:g} %).
Amplitudes are kept at or above zero."""


def simulate_grid(
    basis: Basis, n: int, rng: np.random.Generator, *, noise_sd: float = NOISE_SD
) -> tuple[Real, Complex]:
    """Return amplitudes (n, member) and FIDs (n, time) of voxels that all differ, at the points of a basis set."""
    known = brain_amplitudes([name for name in basis.names if not name.startswith("MM")])
    amplitudes = np.stack(
        [
            known[name].draw((n,), rng) if name in known else rng.uniform(0.7, 1.3, n) * _MACROMOLECULES
            for name in basis.names
        ],
        axis=1,
    )
    fids = np.empty((n, basis.fids.shape[1]), dtype=np.complex64)
    members = np.asarray(basis.fids, dtype=np.complex128)
    for first in tqdm(range(0, n, _AT_ONCE), desc="simulate", leave=False, disable=None):
        rows = slice(first, first + _AT_ONCE)
        m = len(amplitudes[rows])
        shift_hz, gamma = rng.uniform(-8, 8, (m, 1)), rng.uniform(10, 30, (m, 1))
        simulated = basis_sum(
            members, amplitudes[rows], shift_hz, gamma, np.full((m, 1), 10.0), basis.dwelltime_s
        )
        fids[rows] = add_noise(phase(simulated, rng.uniform(-0.5, 0.5, m)), noise_sd, rng)
    return amplitudes, fids


def _errors(out: Path, names: Sequence[str], amplitudes: Real) -> tuple[Real, int]:
    """Return errors over bounds from the maps, and how many voxels carry a flag."""
    z = np.empty_like(amplitudes)
    for i, name in enumerate(names):
        estimated = np.asarray(nib.load(out / "concs" / "raw" / f"{name}.nii.gz").dataobj).ravel()
        percent = np.asarray(nib.load(out / "uncertainties" / f"{name}_sd.nii.gz").dataobj).ravel()
        # A bound in per cent of nothing says nothing: the map holds its largest value there.
        bound = np.where((estimated > 0) & (percent < _LARGEST_PERCENT), estimated * percent / 100, np.inf)
        z[:, i] = (estimated - amplitudes[:, i]) / bound
    flags = np.asarray(nib.load(out / "qc" / "flags.nii.gz").dataobj)
    assert flags.max() < 1 << len(FLAGS)
    return z, int((flags != 0).sum())
