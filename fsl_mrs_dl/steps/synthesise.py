"""The command ``synthesise``: make spectra of concentrations, or transients like those of a file."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.errors import OptionError

if TYPE_CHECKING:
    from fsl_mrs_dl.models.card import Card
    from fsl_mrs_dl.models.synthesis import SynthesisNetwork

METHOD = "Data synthesis"
_LARGEST_MMOL_PER_KG = 1e6  # mmol/kg: pure water has 55 510
_LABELS = "DIM_USER_0"


def synthesise(
    *,
    output: Path,
    model: str | None = None,
    like: Path | None = None,
    n: int = 1,
    mode: Literal["random", "interpolate", "hybrid"] = "hybrid",
    concentrations: tuple[str, ...] | None = None,
    snr: float | None = None,
    noiseless: bool = False,
    filename: str = "synthetic",
    uncompressed: bool = False,
    allow_mismatch: bool = False,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Write synthetic spectra that carry their labels and their origin.

    With a model of concentrations (cvae), ``n`` independent spectra in DIM_USER_0, whose header lists the
    concentrations of each. With a model of transients (vae), ``n`` transients of each set of the file ``--like``,
    in DIM_DYN. The header key SyntheticData tells the model, its checksum, the seed and the files.

    Parameters
    ----------
    output : Path
        Folder for the result.
    model : str
        Model package: a name, with @version or without, or a path. Default: the shipped one for PRESS at 3 T.
    like : Path
        NIfTI-MRS file that gives points, dwell time, field and acquisition. A vae also takes its transients.
    n : int
        Number of spectra. A table of concentrations gives as many as it has rows.
    mode : str
        For a vae, which needs at least four transients a set. interpolate: between two encoded transients.
        hybrid: the same, plus the spread of the encoding. random: from the normal distribution of all encoded
        transients.
    concentrations : tuple of str
        NAME=VALUE or NAME=LOW:HIGH, or one CSV file with a column for each metabolite and a row for each
        spectrum. Other metabolites are drawn from the range of the training.
    snr : float
        For a cvae: add white noise. SNR is the highest point of the spectrum over the standard deviation of its
        real part.
    noiseless : bool
        For a vae: do not add the noise that decoding loses.
    filename : str
        Name of the result, without ending.
    uncompressed : bool
        Write .nii instead of .nii.gz, which is faster.
    allow_mismatch : bool
        Also use a model outside its valid range.
    seed : int
        Seed of the random numbers. The same seed gives the same result.
    overwrite : bool
        Replace a file of the same name.

    Raises
    ------
    MRSDLError
        If an option, the model, a file or the output folder cannot be used.

    Examples
    --------
    fsl_mrs_dl synthesise --n 8 --concentrations NAA=10 Cr=4:8 --output made
    """
    from fsl_mrs_dl.io import nifti
    from fsl_mrs_dl.io.staging import Staging
    from fsl_mrs_dl.io.synthetic import without_person
    from fsl_mrs_dl.steps.command import result_name
    from fsl_mrs_dl.steps.synthesis_models import DEFAULT_MODEL, generative

    recorded = {
        "like": like,
        "n": n,
        "mode": mode,
        "concentrations": concentrations,
        "snr": snr,
        "noiseless": noiseless,
        "allow_mismatch": allow_mismatch,
        "seed": seed,
    }
    _check(n, snr, seed)
    name = result_name(Path(filename), filename) + (".nii" if uncompressed else ".nii.gz")
    data = without_person(nifti.read(like)) if like is not None else None
    network, card = generative(model or DEFAULT_MODEL, data, allow_mismatch=allow_mismatch)
    table = [Path(word) for word in concentrations or () if "=" not in word]
    with Staging(output, overwrite=overwrite, inputs=[*([like] if like else []), *table]) as staging:
        staging.reserve(name)
        rng = np.random.default_rng(seed)
        if network.names:
            synthetic = labelled_spectra(network, card, data, n, concentrations or (), snr, rng, seed=seed)
        else:
            if data is None:
                raise OptionError(f"{card.name} makes transients like those of a file; give it with --like.")
            if concentrations or snr is not None:
                raise OptionError(
                    f"{card.name} knows no concentrations; leave --concentrations and --snr out."
                )
            synthetic = _transients(
                data, card, n, mode, noiseless, allow_mismatch, rng, model=str(model), seed=seed
            )
        settings = ", ".join(f"{key}={_plain(value)}" for key, value in recorded.items())
        settings += f", model={card.full_name}, package_sha256={card.package_sha256}"
        details = f"{__name__}.synthesise, {settings}."
        nifti.write(
            replace(synthetic, processing=(*synthetic.processing, nifti.record(METHOD, details))),
            staging.path(name),
        )


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(Path(word).name if "=" not in word else word for word in value) + "]"
    return value.name if isinstance(value, Path) else str(value)


def _check(n: int, snr: float | None, seed: int) -> None:
    if n < 1:
        raise OptionError(f"--n is {n}; at least 1 is needed.")
    if seed < 0:
        raise OptionError(f"--seed is {seed}; at least 0 is needed.")
    if snr is not None and not (math.isfinite(snr) and snr > 0):
        raise OptionError(f"--snr is {snr:g}; a positive number is needed.")


def labelled_spectra(
    network: "SynthesisNetwork",
    card: "Card",
    like: MRSData | None,
    n: int,
    concentrations: Sequence[str],
    snr: float | None,
    rng: np.random.Generator,
    *,
    seed: int,
) -> MRSData:
    """Return spectra of concentrations with their labels, shape (1, 1, 1, time, n).

    Parameters
    ----------
    network : SynthesisNetwork
        With concentrations.
    card : Card
    like : MRSData or None
        For points, dwell time, field and header; those of the network if not given.
    n : int
    concentrations : sequence of str
        See :func:`synthesise`.
    snr : float or None
        By snr_f.
    rng : numpy.random.Generator
    seed : int
        Seed of ``rng``, for the header.

    Raises
    ------
    OptionError
        If the concentrations are not those of the network, or there are too many spectra for one file.
    """
    from fsl_mrs_dl.io.sizes import check_new_fids
    from fsl_mrs_dl.io.synthetic import marked
    from fsl_mrs_dl.physics import add_noise, fid_to_spectrum

    n_points, dwelltime_s = (
        (network.n_points, network.dwelltime_s) if like is None else (like.n_points, like.dwelltime_s)
    )
    check_new_fids(n, n_points, "n")
    amounts = requested_amounts(concentrations, network, n, rng)
    fids = spectra_of(network, amounts, n_points, dwelltime_s, rng)
    if snr is not None:
        highest = np.concatenate([np.abs(fid_to_spectrum(part)).max(axis=1) for part in _blocks(fids)])
        fids = np.concatenate(
            [
                add_noise(part, size / snr, rng)
                for part, size in zip(_blocks(fids), _blocks(highest), strict=True)
            ]
        )
    labels = {
        name: {
            "Value": [float(f"{v:.6g}") for v in column],
            "Description": "amplitude in the basis set's unit",
        }
        for name, column in zip(network.names, amounts.T, strict=True)
    }
    header: dict[str, Any] = {}
    if like is not None:
        header = {key: value for key, value in like.header.items() if key != "SyntheticData"}
    data = MRSData(
        np.ascontiguousarray(fids.T)[None, None, None].astype(np.complex64, copy=False),
        dwelltime_s,
        network.spectrometer_frequency_mhz if like is None else like.spectrometer_frequency_mhz,
        card.valid.nucleus,
        (_LABELS,),
        affine=None if like is None else like.affine,
        header=header,
        dim_headers={_LABELS: {"info": "independent synthetic spectra", "header": labels}},
    )
    is_synthetic = np.ones(len(fids), dtype=bool)
    model = {"model": card.full_name, "package_sha256": card.package_sha256}
    parents = (like.name,) if like is not None and like.name else ()
    return marked(data, _LABELS, is_synthetic, f"decoded by {card.full_name}", seed, parents, **model)


def spectra_of(
    network: "SynthesisNetwork", amounts: Real, n_points: int, dwelltime_s: float, rng: np.random.Generator
) -> Complex:
    """Return noiseless FIDs of concentrations, complex64, shape (spectrum, time), with random lineshape, phase."""
    import torch

    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    latent = network.sample(len(amounts), generator)
    amplitudes = torch.from_numpy(amounts.astype(np.float32))
    return network.on_points(n_points, dwelltime_s).synthesise(latent, amplitudes)


def _blocks(values: Any) -> list[Any]:
    return [values[start : start + 1024] for start in range(0, len(values), 1024)]


def requested_amounts(
    concentrations: Sequence[str], network: "SynthesisNetwork", n: int, rng: np.random.Generator
) -> Real:
    """Return concentrations, shape (spectrum, metabolite): the user's, and random ones as in training."""
    names = network.names
    low, high = (values.numpy().astype(np.float64) for values in (network.lowest, network.highest))
    spans = {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}
    files = [word for word in concentrations if "=" not in word]
    columns: Mapping[str, Real] = {}
    if files:
        if len(concentrations) > 1:
            raise OptionError("--concentrations takes one CSV file, or NAME=VALUE; give one of them.")
        columns = _table(Path(files[0]), names)
        n = len(next(iter(columns.values())))
    else:
        for word in concentrations:
            name, _, value = word.partition("=")
            spans[_known(name, names)] = _span(word, value)
    drawn = np.stack([rng.uniform(*spans[name], n) for name in names], axis=1)
    for name, column in columns.items():
        drawn[:, names.index(name)] = column
    return drawn


def _span(word: str, value: str) -> tuple[float, float]:
    try:
        ends = [float(part) for part in value.split(":")]
    except ValueError:
        ends = []
    if (
        len(ends) not in (1, 2)
        or not all(0 <= end <= _LARGEST_MMOL_PER_KG for end in ends)
        or ends[0] > ends[-1]
    ):
        raise OptionError(
            f"--concentrations has {word!r}; NAME=VALUE or NAME=LOW:HIGH is needed, from 0 to "
            f"{_LARGEST_MMOL_PER_KG:g}."
        )
    return ends[0], ends[-1]


def _known(name: str, names: Sequence[str]) -> str:
    from fsl_mrs_dl.io.basis import canonical_name

    known = canonical_name(name)
    if known not in names:
        raise OptionError(f"--concentrations names {name!r}; the model makes {', '.join(names)}.")
    return known


def _table(path: Path, names: Sequence[str]) -> dict[str, Real]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = {key: [float(row[key]) for row in rows] for key in (rows[0] if rows else {})}
    except (OSError, UnicodeError, ValueError, TypeError, csv.Error) as error:
        raise OptionError(
            f"--concentrations {path} is not a table of numbers ({str(error)[:200]}); a column a metabolite is "
            "needed."
        ) from error
    if not columns:
        raise OptionError(f"--concentrations {path} has no rows; a column a metabolite is needed.")
    table = {_known(key, names): np.array(values) for key, values in columns.items()}
    if not all(((column >= 0) & (column <= _LARGEST_MMOL_PER_KG)).all() for column in table.values()):
        raise OptionError(
            f"--concentrations {path} has values that are not from 0 to {_LARGEST_MMOL_PER_KG:g}."
        )
    return table


def _transients(
    data: MRSData,
    card: "Card",
    n: int,
    mode: Literal["random", "interpolate", "hybrid"],
    noiseless: bool,
    allow_mismatch: bool,
    rng: np.random.Generator,
    *,
    model: str,
    seed: int,
) -> MRSData:
    """Return ``n`` new transients of each set of data."""
    from fsl_mrs_dl.io.sizes import check_new_fids
    from fsl_mrs_dl.io.synthetic import marked
    from fsl_mrs_dl.io.transient_sets import TransientSets
    from fsl_mrs_dl.steps.synthesis_models import transients_like

    data.axis("DIM_DYN")
    sets = TransientSets.of(data, "DIM_DYN")
    check_new_fids(n * len(sets.fids) * sets.fids.shape[2], data.n_points, "n")
    fids, record = transients_like(
        sets, n, model, mode=mode, noiseless=noiseless, allow_mismatch=allow_mismatch, rng=rng
    )
    is_synthetic = np.ones(n, dtype=bool)
    parents = (data.name,) if data.name else ()
    return marked(
        sets.with_fids(fids),
        "DIM_DYN",
        is_synthetic,
        f"decoded by {card.full_name}, {mode}",
        seed,
        parents,
        **record,
    )


def labels_of(data: MRSData) -> dict[str, Real]:
    """Return the concentrations of synthetic spectra from the header of their dimension."""
    header = data.dim_headers.get(_LABELS, {}).get("header", {})
    return {name: np.array(entry["Value"]) for name, entry in header.items() if name != "SyntheticData"}
