"""A measured spectrum by the shipped network: what residual water does to it, and what adaptation brings."""

from fsl_mrs_dl.data import FLAGS, MRSData
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.remove import remove
from tests.benchmarks.dq.invivo import RATIOS
from tests.benchmarks.quantify_cases import shipped
from tests.benchmarks.realdata import in_vivo
from tests.benchmarks.table import NOT_RUN, Table

_BASIS, _PACKAGE = "press_3t_te30", "quantify-dq-nmm-press-1h-3t"
_SHOWN = {"Glu": ("Glu",), **RATIOS}
_PASSES = 30  # over the data when a network adapts; the loss no longer falls then
_CAPTION = (
    f"One measured spectrum (3 T PRESS, TE 30 ms) by the shipped network `{_PACKAGE}`: ratios to tCr, what is "
    "left of structure over the fitted signal, flags. The fit sees its window, the network the whole band."
)


def scan_table() -> Table:
    """Return ratios of the fit, the network and the adapted network, with residual water and without."""
    columns = ["spectrum", "method", *_SHOWN, "misfit", "flags"]
    data = in_vivo("press_3t", "sub-01_press.nii.gz")
    if data is None:
        return Table.filled("Not run: the measured spectrum (invivo/press_3t) is not here.", columns, [["-"]])
    lines = []
    for text, one in (("as it is", data), ("water removed", remove(data).data)):
        lines.append([text, "fit", *_cells(one)])
        lines.append([text, "network", *_cells(one, network=True)])
        lines.append([text, f"network, `--adapt {_PASSES}`", *_cells(one, network=True, adapt=_PASSES)])
    return Table(_CAPTION, columns, lines)


def _cells(data: MRSData, *, network: bool = False, adapt: int = 0) -> list[str]:
    basis = shipped(_BASIS)
    if network:
        result = quantify(
            data, basis=basis, no_posterior=True, method="dq-nmm", model=_PACKAGE, refine=0, adapt=adapt
        )
    else:
        result = quantify(data, basis=basis, no_posterior=True)
    results = result.outcome
    assert results is not None
    raw = results.scaled["raw"].value[0]

    def total(parts: tuple[str, ...]) -> float:
        return float(sum(raw[results.column(name)] for name in parts))

    creatine = total(("Cr", "PCr"))
    misfit = NOT_RUN if results.misfit is None else f"{float(results.misfit[0]):.2f}"
    flags = [token for token, flag in FLAGS.items() if int(results.flags[0]) >> flag.bit & 1]
    return [*(f"{total(parts) / creatine:.2f}" for parts in _SHOWN.values()), misfit, ", ".join(flags) or "-"]
