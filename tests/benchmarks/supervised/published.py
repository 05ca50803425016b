"""Numbers that the publications print, to stand beside."""

from collections.abc import Mapping
from types import MappingProxyType

_COMPONENTS = (
    "Ala", "Asc", "Asp", "Cr", "GABA", "GPC", "GSH", "Glc", "Gln", "Glu", "Gly", "Ins", "Lac", "NAA", "NAAG",
    "PCh", "PCr", "PE", "Tau", "sIns", "Mac",
)  # fmt: skip


def _table(**columns: tuple[float, ...]) -> dict[str, dict[str, float]]:
    return {name: dict(zip(_COMPONENTS, values, strict=True)) for name, values in columns.items()}


HATAMI_TABLES: Mapping[str, Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "noise-free": _table(
            QUEST=(
                6.64, 6.44, 8.81, 10.31, 15.48, 5.53, 7.94, 10.89, 18.11, 15.97, 12.44, 11.84, 6.34, 9.26, 7.15,
                6.13, 10.24, 17.64, 14.81, 6.80, 1.32,
            ),
            forest=(
                22.05, 22.13, 24.12, 20.70, 16.86, 14.96, 21.52, 22.00, 23.60, 23.07, 23.57, 20.89, 20.46, 20.87,
                15.75, 16.10, 20.67, 24.26, 23.25, 16.91, 5.06,
            ),
            CNN=(
                2.80, 3.92, 5.23, 12.28, 5.98, 3.34, 4.44, 2.01, 9.89, 7.74, 9.81, 8.72, 2.43, 5.38, 3.76, 4.94,
                11.19, 10.96, 11.65, 6.10, 0.86,
            ),
        ),
        "SNR_t0 10": _table(
            QUEST=(
                31.21, 28.80, 41.98, 26.30, 37.63, 25.06, 26.81, 33.42, 36.09, 34.88, 29.78, 28.03, 28.80, 26.69,
                23.58, 21.44, 26.40, 43.29, 36.82, 23.02, 14.45,
            ),
            forest=(
                24.39, 24.24, 25.38, 22.92, 25.14, 19.33, 23.70, 24.07, 24.94, 24.82, 24.18, 23.73, 24.32, 22.93,
                21.85, 19.60, 22.77, 24.84, 24.20, 17.72, 17.59,
            ),
            CNN=(
                21.03, 20.64, 25.87, 19.64, 24.37, 13.67, 19.06, 20.85, 22.98, 22.29, 21.50, 20.20, 20.40, 18.95,
                16.03, 14.27, 19.39, 23.29, 22.18, 14.09, 8.84,
            ),
        ),
    }
)  # fmt: skip
"""Study -> method -> component -> SMAPE in % (Hatami et al. 2018, arXiv:1806.07237, its two tables)."""
SCATTERING_MEANS: Mapping[str, float] = MappingProxyType(
    {"DSS2": 1.13, "DSS3": 1.38, "DSS4": 1.70, "DSS5": 3.46, "DSS6": 5.92, "DSS7": 6.12}
)
"""Study -> mean SMAPE in % (Shamaei et al. 2021, doi:10.5220/0010318502680275). DSS1 is a bar chart."""
