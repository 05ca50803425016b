"""Two numbers, each with its own uncertainty: where posterior and estimate differ strongly, nothing mixes them."""

import csv
import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quantified import make

from fsl_mrs_dl.fit.posterior import summarise, summarise_ratios
from fsl_mrs_dl.io.results import run_record, write_outcome
from fsl_mrs_dl.io.results.outcome import POSTERIOR_COLUMNS, Scaled
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.report import quantify_page, quantify_static, quantify_text, save_fit_figure, save_map_figure
from fsl_mrs_dl.report.concentrations import interval, main_columns, with_interval

NAMES = ("Cr", "NAA", "GPC", "Ins")
MOLAL = 2.0
"""mmol/kg an amplitude of one."""
# Estimate, SD, bound, then mean, SD, 68 and 95 % interval, shrinkage. The estimate of GPC lies above its interval,
# that of Ins is zero.
ROWS = {
    "Cr": (8.41, 0.21, 0.17, 8.29, 0.23, 8.06, 8.52, 7.83, 8.75, 0.001),
    "NAA": (11.3, 0.3, 0.3, 11.1, 0.33, 10.77, 11.43, 10.46, 11.74, 0.002),
    "GPC": (2.889, 0.42, 0.35, 2.19, 0.38, 1.81, 2.56, 1.28, 2.862, 0.02),
    "Ins": (0.0, 0.67, 0.61, 0.79, 0.74, 0.12, 1.43, 0.03, 3.2, 0.31),
    "Cr+NAA": (19.71, 0.37, 0.34, 19.39, 0.4, 18.99, 19.79, 18.61, 20.17, 0.0015),
}
FSL_MRS = ["Raw conc", "Raw CRLB", "mMol/kg", "mMol/kg CRLB", "%CRLB", "SNR", "FWHM"]
FOLDED = {
    "estimate": ("2.89 ± 0.42", "0.00 ± 0.67"),
    "interval": ("1.28 to 2.86", "0.03 to 3.20"),
}


def columns(factor):
    """The numbers above in one scaling."""
    table = np.array(list(ROWS.values())).T[:, None]
    value, sd, bound = factor * table[:3]
    extra = dict(zip(POSTERIOR_COLUMNS, [*(factor * table[3:9]), table[9]], strict=True))
    return Scaled(value, sd, "mmol/kg" if factor != 1 else "", extra, bound)


def made(rng, **more):
    """One spectrum with the numbers above, as amplitudes and as molalities."""
    data, outcome = make(rng, names=NAMES, **more)
    raw, voxels = columns(1.0), len(outcome.voxels)
    scaled = {"raw": raw, "molality": columns(MOLAL)}
    if voxels > 1:

        def many(values):
            return np.repeat(values, voxels, axis=0)

        scaled = {
            name: Scaled(
                many(s.value), many(s.sd), s.unit, {k: many(v) for k, v in s.extra.items()}, many(s.bound)
            )
            for name, s in scaled.items()
        }
    percent = np.minimum(100 * raw.sd / np.maximum(raw.value, 1e-9), 999)
    prior = {"prior": "weak", "meaning": "falls slowly", "scaling": "raw"}
    percents = np.repeat(percent, voxels, axis=0)
    return data, replace(outcome, scaled=scaled, crlb_percent=percents, posterior=prior)


def without(outcome):
    """The same without posterior."""
    scaled = {name: replace(s, extra={}) for name, s in outcome.scaled.items()}
    return replace(outcome, scaled=scaled, posterior=None)


def tables(page):
    """The tables of a page that have headings of groups: rows of cells under (group, heading)."""
    found = []
    for body in re.findall(r"<table>\n(.*?)</table>", page, flags=re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)
        cells = [re.findall(r"<t[hd]([^>]*)>(.*?)</t[hd]>", row, flags=re.DOTALL) for row in rows]
        if len(cells) < 3 or "colspan" not in cells[0][0][0]:
            continue
        groups = [
            html.unescape(text)
            for more, text in cells[0]
            for _ in range(int(re.search(r'colspan="(\d+)"', more)[1]))
        ]
        heads = [(group, html.unescape(text)) for group, (_, text) in zip(groups, cells[1], strict=True)]
        found.append(
            {
                row[0][1]: dict(zip(heads, [html.unescape(t) for _, t in row], strict=True))
                for row in cells[2:]
            }
        )
    return found


def test_every_column_of_the_page_says_whose_number_it_is(rng):
    data, outcome = made(rng)
    page = quantify_page(data, outcome, {})
    leading, amplitudes = tables(page)
    for name, part in (("GPC", 0), ("Ins", 1)):
        row = amplitudes[name]
        assert row[("Without prior", "Estimate ± SD")] == FOLDED["estimate"][part]
        assert row[("Posterior", "95 % interval")] == FOLDED["interval"][part]
        assert {head for group, head in row if group == "Posterior"} == {
            "Mean",
            "95 % interval",
            "SD",
            "Shrinkage",
        }
        assert {head for group, head in row if group == "Without prior"} == {"Estimate ± SD", "CRLB"}
    assert leading["GPC"][("Posterior", "Mean")] == "4.38"
    assert leading["GPC"][("Posterior", "95 % interval")] == "2.56 to 5.72"
    assert leading["GPC"][("Without prior", "CRLB")] == "0.70"
    assert leading["GPC"][("Without prior", "SD of the amplitude (%)")] == "14.5"
    assert leading["Ins"][("Without prior", "SD of the amplitude (%)")] == "≥ 999"
    # The group that leads stands first.
    assert [group for group, _ in leading["Cr"]].index("Posterior") < [g for g, _ in leading["Cr"]].index(
        "Without prior"
    )


def test_the_cards_lead_with_the_posterior(rng):
    data, outcome = made(rng)
    cards = re.findall(r'<div class="card"><b>(.*?)</b><span>(.*?)</span>', quantify_page(data, outcome, {}))
    assert ("1.6 [0.1, 6.4]", "Ins") in cards
    assert ("4.38 [2.56, 5.72]", "GPC") in cards
    told = re.findall(r'<div class="card"><b>(.*?)</b>', quantify_page(data, without(outcome), {}))
    assert "5.78 ± 0.84" in told
    assert not any("[" in text for text in told)


def test_a_page_without_posterior_has_the_other_number_alone_and_says_so(rng):
    data, outcome = made(rng)
    page = quantify_page(data, without(outcome), {})
    for found in tables(page):
        assert {group for group, _ in found["GPC"]} <= {"", "Without prior", "Line"}
    assert "95 % interval" not in page
    assert "This result has none." in page


def test_the_terminal_tells_one_of_them(rng):
    _, outcome = made(rng)
    said = quantify_text(outcome, Path("out"), ("concentrations.csv", "report.html")).splitlines()
    assert said == [
        "Molality (mmol/kg), posterior mean [95 % interval]:",
        "  NAA  22.20 [20.92, 23.48]",
        "  Cr   16.58 [15.66, 17.50]",
        "  GPC  4.38 [2.56, 5.72]",
        "  Ins  1.6 [0.1, 6.4]",
        f"All metabolites, also the estimates without prior: {Path('out') / 'concentrations.csv'}",
        f"Report: {Path('out') / 'report.html'}",
    ]
    said = quantify_text(without(outcome), Path("out"), ()).splitlines()
    assert said[0] == "Molality (mmol/kg), without prior: maximum-likelihood estimate ± SD:"
    assert said[3:5] == ["  GPC  5.78 ± 0.84", "  Ins  0.0 ± 1.3"]
    assert said[-1] == f"All metabolites: {Path('out') / 'concentrations.csv'}"


def test_many_voxels_are_told_alike(rng):
    data, outcome = made(rng, grid=(2, 2, 1))
    said = quantify_text(outcome, Path("out"), ()).splitlines()
    assert said[0] == "Molality (mmol/kg), medians over 3 voxels, posterior mean [95 % interval]:"
    assert said[3] == "  GPC  4.38 [2.56, 5.72]"
    assert said[-1] == "Maps in out: posterior, intervals; without prior: concs, uncertainties"
    assert (
        quantify_text(without(outcome), Path("out"), ()).splitlines()[-1]
        == "Maps in out: concs, uncertainties"
    )
    page = quantify_page(data, outcome, {})
    leading, _ = tables(page)
    assert leading["GPC"][("Posterior", "Mean")] == "4.38 (4.38 to 4.38)"
    # Half of 1.28 to 2.862 over 2.19.
    assert leading["GPC"][("Posterior", "Half the 95 % interval (%)")] == "36.1"
    assert leading["GPC"][("Without prior", "Estimate")] == "5.78 (5.78 to 5.78)"
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    maps = [text for text in headings if text.startswith(("Posterior", "Without prior"))]
    assert maps == [
        "Posterior mean: Molality (mmol/kg)",
        "Posterior interval: Molality (mmol/kg)",
        "Posterior mean: Amplitude",
        "Without prior, estimate: Molality (mmol/kg)",
        "Without prior, SD",
        "Without prior, histogram of the SD",
    ]
    headings = re.findall(r"<h2>(.*?)</h2>", quantify_page(data, without(outcome), {}))
    assert not any(text.startswith("Posterior") for text in headings)
    assert "Without prior, estimate: Amplitude" in headings


@pytest.fixture
def drawn(monkeypatch):
    """The still pictures that are made."""
    figures, new_figure = [], quantify_static.new_figure

    def listed(*arguments, **options):
        figures.append(new_figure(*arguments, **options))
        return figures[-1]

    monkeypatch.setattr(quantify_static, "new_figure", listed)
    return figures


def test_pictures_draw_an_interval_around_its_own_point(rng, tmp_path, drawn):
    data, outcome = made(rng)
    save_fit_figure(data, outcome, tmp_path / "fit.png")
    save_fit_figure(data, without(outcome), tmp_path / "fit.png")
    both, alone = (next(axes for axes in figure.axes if axes.containers) for figure in drawn)
    posterior, estimate = both.containers
    assert (posterior.get_label(), estimate.get_label()) == (
        "posterior mean, 95 % interval",
        "without prior ± 1.96 SD",
    )
    for n, (value, sd, _, mean, _, _, _, low, high, _) in enumerate(ROWS.values()):
        point, ends = posterior[0].get_xdata()[n], posterior[2][0].get_segments()[n][:, 0]
        assert (point, *ends) == pytest.approx((mean, low, high))
        for found in (estimate, alone.containers[0]):
            point, ends = found[0].get_xdata()[n], found[2][0].get_segments()[n][:, 0]
            assert (point, *ends) == pytest.approx((value, value - 1.96 * sd, value + 1.96 * sd))
    assert [box.get_label() for box in alone.containers] == ["without prior ± 1.96 SD"]


def test_pictures_of_maps_are_of_one_of_them(rng, tmp_path, drawn):
    data, outcome = made(rng, grid=(2, 2, 1))
    save_map_figure(data, outcome, tmp_path / "maps.png", names=("GPC",), scaling="molality")
    save_map_figure(data, without(outcome), tmp_path / "maps.png", names=("GPC",))
    seen = [
        [
            (axes.get_ylabel(), float(np.nanmax(axes.images[0].get_array())))
            for axes in figure.axes
            if axes.images
        ]
        for figure in drawn
    ]
    assert [label for label, _ in seen[0]] == ["posterior mean\nMolality (mmol/kg)", "95 % interval (± %)"]
    assert [value for _, value in seen[0]] == pytest.approx([4.38, 50 * (2.862 - 1.28) / 2.19])
    assert [label for label, _ in seen[1]] == ["estimate without prior", "SD (%)"]
    assert [value for _, value in seen[1]] == pytest.approx([2.889, 100 * 0.42 / 2.889])


def written(folder, data, outcome):
    """The folder of results."""
    fit = data.with_fid(outcome.on_grid(outcome.fit))
    with Staging(folder, overwrite=True) as staging:
        write_outcome(fit, data, outcome, staging)
        staging.path("run.json").write_text(run_record(outcome, {}, staging.checksums(), "quantify"))
    return folder


def test_columns_of_the_tables(rng, tmp_path):
    data, outcome = made(rng)
    folder = written(tmp_path / "out", data, outcome)
    with (folder / "concentrations.csv").open() as handle:
        top, below, *rows = csv.reader(handle)
    heads = list(zip(top, below, strict=True))
    kinds = ("mean", "std", "crlb", *POSTERIOR_COLUMNS)
    assert heads == [("Metabs", ""), *((kind, scaling) for kind in kinds for scaling in ("raw", "molality"))]
    for row in rows:
        cells = dict(zip(heads, row, strict=True))
        for kind, number in zip(kinds, ROWS[row[0]], strict=True):
            assert float(cells[(kind, "raw")]) == pytest.approx(number)
            factor = 1 if kind == "shrinkage" else MOLAL
            assert float(cells[(kind, "molality")]) == pytest.approx(factor * number)
    with (folder / "summary.csv").open() as handle:
        summary = {row["Metab"]: row for row in csv.DictReader(handle)}
    assert list(summary["GPC"])[1:8] == FSL_MRS
    told = ("posterior_mean", "posterior_sd", "ci95_low", "ci95_high")
    ours = [f"{scaling} {kind}" for scaling in ("Raw conc", "mMol/kg") for kind in told]
    assert list(summary["GPC"])[8:] == [*ours, "shrinkage"]
    gpc = {key: float(value) for key, value in summary["GPC"].items() if key != "Metab"}
    assert (gpc["Raw conc"], gpc["Raw CRLB"]) == (2.889, 0.42)
    assert gpc["%CRLB"] == pytest.approx(100 * 0.42 / 2.889)
    assert gpc["mMol/kg posterior_mean"] == pytest.approx(4.38)
    with (folder / "all_parameters.csv").open() as handle:
        parameters = {row["parameter"]: row for row in csv.DictReader(handle)}
    assert (float(parameters["GPC"]["mean"]), float(parameters["GPC"]["std"])) == (2.889, 0.42)


def test_tables_without_posterior_have_fsl_mrs_columns_and_the_bound(rng, tmp_path):
    data, outcome = made(rng)
    folder = written(tmp_path / "out", data, without(outcome))
    with (folder / "summary.csv").open() as handle:
        assert next(csv.reader(handle))[1:] == FSL_MRS
    with (folder / "concentrations.csv").open() as handle:
        top, _, first, *_ = csv.reader(handle)
    assert [bool(cell) for cell in first] == [True] * 7 + [False] * (len(top) - 7)


def test_without_a_bound_of_its_own_the_sd_is_the_bound():
    plain = Scaled(np.ones((1, 2)), np.full((1, 2), 0.2))
    assert plain.crlb is plain.sd
    assert not plain.has_posterior


@pytest.mark.parametrize("grid", [(1, 1, 1), (2, 2, 1)])
def test_the_viewer_shows_whose_number_it_is(rng, tmp_path, grid):
    from fsleyes_plugin.model.table import POSTERIOR, head
    from fsleyes_plugin.session import Session

    data, outcome = made(rng, grid=grid)
    fit = Session().open(written(tmp_path / "out", data, outcome))
    place = (0, 0, 0) if grid == (1, 1, 1) else tuple(int(i) for i in outcome.voxels[0])
    for scaling, factor in (("raw", 1.0), ("molality", MOLAL)):
        table = fit.table.at(place, scaling)
        assert table.columns[: len(POSTERIOR)] == POSTERIOR
        assert [head(column) for column in table.columns[len(POSTERIOR) :]][:3] == [
            "without prior",
            "its SD",
            "ampl. SD %",
        ]
        for name in ("GPC", "Cr+NAA"):
            value, sd, _, mean, _, _, _, low, high, shrinkage = ROWS[name]
            found = [table.value(name, column) for column in POSTERIOR]
            assert found == pytest.approx([factor * mean, factor * low, factor * high, shrinkage], rel=1e-6)
            own = [table.value(name, column) for column in ("value", "sd", "crlb")]
            assert own == pytest.approx([factor * value, factor * sd, 100 * sd / value], rel=1e-6)
    assert table.heads()[:4] == ("metabolite", "posterior [95 %]", "shrinkage", "without prior")
    shown = {row[0]: row[1:] for row in table.texts()}
    assert shown["GPC"][:4] == ("4.38 [2.56, 5.72]", "0.02", "5.778", "0.84")
    plain = Session().open(written(tmp_path / "plain", data, without(outcome)))
    assert not set(plain.table.at(place, "raw").columns) & set(POSTERIOR)


def test_the_tree_of_files_names_the_maps_that_are_there(rng, tmp_path):
    data, outcome = made(rng, grid=(2, 2, 1))
    folder = written(tmp_path / "out", data, outcome)
    said = json.loads((folder / "run.json").read_text())["files"]
    text, above = (folder / "mrsdl.tree").read_text(), {}
    named = set()
    for line in text.splitlines():
        depth = (len(line) - len(line.lstrip())) // 4
        above[depth] = line.split()[0]
        if "(" in line:
            named.add("/".join(above[n] for n in range(depth + 1)).format(metab="GPC"))
    assert named <= set(said)
    ours = {name for name in said if name.startswith(("posterior/", "intervals/")) and "/GPC_" in name}
    assert ours <= named
    assert len(ours) == 7 + 6


def test_the_sd_is_that_of_the_draws(rng):
    draws = rng.exponential(size=(1, 500, 2)) + 1.0
    matrix = np.array([[1.0, 0.0], [1.0, 1.0]])
    values = draws @ matrix.T
    told = summarise(values, np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(told.sd[0], (draws[0] @ matrix.T).std(axis=0))
    np.testing.assert_allclose(told.shrinkage[0], told.sd[0] ** 2 / [1.0, 2.0])
    np.testing.assert_allclose(told.columns(3.0)["posterior_sd"], 3 * told.sd)
    below = draws[..., 1:] + 0 * values
    sure = summarise_ratios((draws + 10) @ matrix.T, below + 10, told.shrinkage)
    ratios = ((draws + 10) @ matrix.T / (draws + 10)[..., 1:])[0]
    np.testing.assert_allclose(sure.sd[0], ratios.std(axis=0))
    unsure = summarise_ratios((draws - 1) @ matrix.T, below - 1, told.shrinkage)
    assert np.isnan(unsure.mean).all()
    assert np.isnan(unsure.sd).all()


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((2.19, 1.28, 2.862), "2.19 [1.28, 2.86]"),
        ((15.83, 14.0, 17.0), "15.83 [14.00, 17.00]"),
        ((158.3, 120.0, 200.0), "158 [120, 200]"),
        ((2.2e-6, 0.0, 3.1e-6), "2.20 [0.00, 3.10] \N{MULTIPLICATION SIGN} 1e-06"),
        ((2.2e7, 2.1e7, 2.3e7), "2.200 [2.100, 2.300] \N{MULTIPLICATION SIGN} 1e+07"),
        ((np.nan, 0.2, 30.0), "\N{EN DASH} [0.2, 30.0]"),
        ((1.0, 1.0, 1.0), "1 [1, 1]"),
        ((np.nan, np.nan, np.nan), "\N{EN DASH} [\N{EN DASH}, \N{EN DASH}]"),
    ],
)
def test_intervals_are_told_to_two_digits_of_an_sd(numbers, said):
    assert with_interval(*numbers) == said
    ends, power = said.split("[")[1].split("]")
    words = ends.replace(", ", " to ")
    assert interval(*numbers[1:]) == (f"({words}){power}" if power else words)


def test_what_is_told_first_is_there_and_no_ratio_to_itself(rng):
    _, outcome = make(rng, names=("Cr", "NAA", "GPC"), sums=())
    foreign = replace(outcome, members=("PCr", "ATP", "NAD"), internal_reference=("PCr",))
    assert set(main_columns(foreign, "raw")) == {0, 1, 2}
    assert set(main_columns(foreign, "internal")) == {1, 2}
    assert [outcome.names[n] for n in main_columns(outcome, "raw")] == ["NAA", "Cr", "GPC"]
    assert [outcome.names[n] for n in main_columns(outcome, "internal")] == ["NAA", "GPC"]
