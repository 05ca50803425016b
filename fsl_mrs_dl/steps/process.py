"""The command ``process``: run all steps that a raw scan needs, up to concentrations."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from fsl_mrs_dl.data import MRSData, Stage
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.steps.add import add
from fsl_mrs_dl.steps.align import align
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.coilcombine import coilcombine
from fsl_mrs_dl.steps.ecc import ecc as eddy
from fsl_mrs_dl.steps.fsl_mrs_proc import check_steps, run_theirs
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.registry import Step, StepResult, step, usable_fids
from fsl_mrs_dl.steps.remove import remove
from fsl_mrs_dl.steps.step_summary import work_of
from fsl_mrs_dl.steps.subtract import halved, halves, opposed, subtract
from fsl_mrs_dl.steps.water_references import COIL

TRANSIENTS, MEASUREMENTS, EDITS = "DIM_DYN", "DIM_MEAS", "DIM_EDIT"
ACQUIRED = "acquired"
_WATER_NUCLEI = ("1H", "2H")


@step(method="Processing", report="quantify_page", fits=True, first=("reference", "edit"), then=quantify)
def process(
    data: MRSData,
    *,
    reference: MRSData | None = None,
    ecc: MRSData | None = None,
    quant: MRSData | None = None,
    edit: Literal["difference", "sum"] = "difference",
    noalign: bool = False,
    noremove: bool = False,
    reject: bool = False,
    keep_steps: bool = False,
    fsl_mrs: tuple[str, ...] | None = None,
    **fitting: Any,
) -> StepResult:
    """Process one raw scan to concentrations.

    Runs the steps that the data need, in this order: coilcombine, ecc, align, average, subtract (or add), remove,
    quantify. Steps that the scan does not need (without coils, transients, edit conditions, reference or residual
    water) are skipped, and the report says so. Each step adds its record to the header. All options of quantify
    can be given too.

    Parameters
    ----------
    data : MRSData
        Raw scan, one voxel or a grid of voxels.
    reference : MRSData
        Water reference of the scan. Used for coil weights, eddy currents, and water scaling.
    ecc : MRSData
        Another water reference for eddy currents, instead of --reference.
    quant : MRSData
        Another water reference for water scaling, instead of --reference.
    edit : str
        For an edited scan: fit half the difference of its two conditions, or half their sum.
    noalign : bool
        Do not correct frequency and phase of the transients.
    noremove : bool
        Do not remove residual water.
    reject : bool
        Leave out the transients that align flags.
    keep_steps : bool
        Also write the data after each step, to DIR/steps.
    fsl_mrs : tuple of str
        Steps that FSL-MRS's own fsl_mrs_proc takes, with its defaults, where it is installed: coilcombine, ecc,
        align, average, remove.

    Returns
    -------
    StepResult

    Raises
    ------
    MRSDLError
        If a step cannot be done, or a dimension is left that no step can reduce.

    Examples
    --------
    fsl_mrs_dl process --data metab.nii.gz --reference wref.nii.gz --basis press_3t_te30 --output result --report
    """
    conjugated = bool(fitting.pop("conj_fid", None))
    if conjugated:
        data = data.with_fid(data.fid.conj())
        reference, ecc, quant = (_conjugate(one) for one in (reference, ecc, quant))
    check_steps(fsl_mrs or ())
    chain = _Chain(data, fsl_mrs or ())
    if conjugated:
        chain.stages.append(Stage("conjugate", data, ("Conjugated all FIDs, as --conj_fid asks.",)))
    chain.references(reference, ecc, quant)
    processes = {name: fitting[name] for name in ("parallel", "parallel_workers") if name in fitting}
    for dim in (TRANSIENTS, MEASUREMENTS):
        if chain.size(dim) == 1:
            continue
        if noalign:
            chain.leave_out("align", "as --noalign asks")
        else:
            chain.run(align, dim=dim, reject=reject, **processes)
        chain.run(average, dim=dim)
    if chain.size(EDITS) == 2:
        chain.join_conditions(edit)
    if data.nucleus in _WATER_NUCLEI and not noremove:
        chain.run(remove)
    elif noremove:
        chain.leave_out("remove", "as --noremove asks")
    chain.refuse_unreduced()
    result = quantify(chain.data, h2o=chain.water, **fitting)
    return replace(result, stages=tuple(chain.stages), settled={**result.settled, "steps": chain.names})


class _Chain:
    """A scan, and the steps that were run on it."""

    def __init__(self, data: MRSData, theirs: tuple[str, ...] = ()) -> None:
        self.data = data
        self.theirs = theirs  # steps that FSL-MRS takes
        self.stages = [Stage(ACQUIRED, data)]
        self.water: MRSData | None = None

    @property
    def names(self) -> list[str]:
        """The steps that were run."""
        return [stage.name for stage in self.stages[1:] if stage.name]

    def size(self, dim: str) -> int:
        """Return the length of a dimension; 1 if it does not exist."""
        return int(self.data.fid.shape[self.data.axis(dim)]) if dim in self.data.dim_tags else 1

    def run(self, known_step: Step, **options: Any) -> None:
        """Run a step on the data."""
        result = self._result(known_step, self.data, **options)
        notes = (*work_of(known_step.name, self.data, result), *result.messages)
        self.data = result.data
        self.stages.append(Stage(known_step.name, result.data, notes, result.estimates))

    def _result(self, known_step: Step, data: MRSData, **options: Any) -> StepResult:
        """Run a step, here or by FSL-MRS."""
        if known_step.name not in self.theirs:
            return known_step(data, **options)
        result = run_theirs(known_step.name, data, dim=options.get("dim"), reference=options.get("reference"))
        return replace(result, messages=("By FSL-MRS.",))

    def leave_out(self, name: str, why: str) -> None:
        """Note that a step was not run, with the reason."""
        self.stages.append(Stage("", self.data, (f"{name} was left out, {why}.",)))

    def join_conditions(self, kind: str) -> None:
        """Compute half the difference or half the sum of two edit conditions; their signs may be opposite."""
        differ = opposed(*halves(self.data, None, EDITS))
        known, sign = (subtract, -1) if (kind == "difference") != differ else (add, 1)
        self.run(_without_warning(known, sign), dim=EDITS)
        if differ:
            note = f"The scanner stores the two with opposite signs, so that this is their {kind}."
            last = self.stages.pop()
            self.stages.append(replace(last, notes=(*last.notes, note)))

    def references(self, reference: MRSData | None, ecc: MRSData | None, quant: MRSData | None) -> None:
        """Combine coils and correct eddy currents, and combine the water of quantify in the same way."""
        if _coils(reference) not in (1, self.size(COIL)):
            self.leave_out("the reference", "as it does not have the coils of the data")
            reference = None
        ecc, water = ecc or reference, quant or reference
        coils = self.size(COIL)
        if coils > 1:
            if water is not None and _coils(water) == 1:
                self.leave_out(
                    "water scaling", "as the water was combined elsewhere and its scale is not known"
                )
                water = None
            ecc, water, reference = self._without_empty_coils(ecc, water, reference)
            whiten = {"no_prewhiten": True} if self._without_noise(reference) else {}
            weights = reference if _coils(reference) == self.size(COIL) else None
            ecc, water = (self._combined(one, weights, **whiten) for one in (ecc, water))
            self.run(coilcombine, reference=weights, **whiten)
        if ecc is None:
            self.leave_out("ecc", "as there is no water reference")
        else:
            self.run(eddy, reference=ecc)
        self.water = water

    def _combined(
        self, reference: MRSData | None, weights: MRSData | None, **options: bool
    ) -> MRSData | None:
        """Combine the coils of a water reference with the weights of the data, if it has the same coils."""
        if reference is None or _coils(reference) != self.size(COIL) or _coils(reference) == 1:
            return reference
        return self._result(coilcombine, reference, reference=weights, **options).data

    def _without_empty_coils(self, *references: MRSData | None) -> list[MRSData | None]:
        """Remove coils without signal from the data, and from the references with all coils."""
        axis, coils = self.data.axis(COIL), self.size(COIL)
        alive = [coil for coil in range(coils) if usable_fids(_coil(self.data, [coil])).any()]
        if len(alive) in (0, coils):
            return list(references)
        self.leave_out(f"{coils - len(alive)} of {coils} coils", "as they hold no signal")
        self.data = self.data.with_fid(np.take(self.data.fid, alive, axis=axis))
        return [_coil(one, alive) if one is not None and _coils(one) == coils else one for one in references]

    def _without_noise(self, reference: MRSData | None) -> bool:
        """Return, and note, whether FIDs end in zeros, from which the noise of the coils cannot be measured."""
        tails = [
            one.fid[:, :, :, -max(one.n_points // 10, 1) :]
            for one in (self.data, reference)
            if one is not None
        ]
        if all(tail.any() for tail in tails):
            return False
        self.leave_out("whitening of the coils", "as FIDs end in zeros, without noise to measure")
        return True

    def refuse_unreduced(self) -> None:
        """Refuse a scan that still has several FIDs in each voxel."""
        unreduced = [f"{self.size(tag)} of {tag}" for tag in self.data.dim_tags if self.size(tag) > 1]
        if unreduced:
            raise DataError(
                f"{self.data.name or 'The scan'} has {' and '.join(unreduced)} that no step reduces; quantify "
                "needs one spectrum a voxel. Take one (mrs_tools split) or average them (fsl_mrs_dl average "
                "--dim)."
            )


def _coils(reference: MRSData | None) -> int:
    if reference is None or COIL not in reference.dim_tags:
        return 1
    return int(reference.fid.shape[reference.axis(COIL)])


def _coil(data: MRSData, indices: list[int]) -> MRSData:
    """Return data with some of their coils."""
    return data.with_fid(np.take(data.fid, indices, axis=data.axis(COIL)))


def _conjugate(data: MRSData | None) -> MRSData | None:
    return None if data is None else data.with_fid(data.fid.conj())


def _without_warning(known: Step, sign: int) -> Step:
    """Return ``add`` or ``subtract`` without the warning about opposite signs, which are already known."""

    def joined(data: MRSData, *, reference: MRSData | None = None, dim: str | None = None) -> StepResult:
        first, second = halves(data, reference, dim)
        return halved(data, first, sign * second, dim)

    joined.__module__, joined.__name__ = known.function.__module__, known.function.__name__
    return replace(known, function=joined)
