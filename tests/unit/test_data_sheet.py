"""``models show``: every fact of a card in words, with its unit."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.evaluation.data_sheet import data_sheet
from fsl_mrs_dl.models.card import Card, Score, TrainingRecipe, ValidRange
from fsl_mrs_dl.models.catalogue import SHIPPED

CARD = Card(
    name="align-dsr-1h-3t",
    version="1.0.0",
    task="align",
    architecture="dsr",
    config={},
    inputs=(),
    outputs=(),
    valid=ValidRange(
        "1H",
        (117.09, 129.41),
        (2.5e-5, 8e-4),
        (0.064, 1000.0),
        (0.03,),
        snr_t0=(5, 40),
        shift_hz=(-20, 20),
        phase_deg=(-90, 90),
    ),
    recipe=TrainingRecipe("fsl_mrs_dl train align --seed 0", 0, "9000 transients", "0" * 64, 0.25),
    evaluation=(
        Score("shift SD", "Hz", 2.09, 11.5, "no correction", 0.269, "CRLB", 2000),
        Score("similarity", "1", 0.71, None, "", None, "", 2000),
    ),
    intended_use="Estimating shifts.",
    refused_use="Diagnosis.",
    package_sha256="a" * 64,
)


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_it_reads_as_sentences_with_units() -> None:
    sheet = data_sheet(CARD, Path("folder"))
    words = one_line(sheet)
    for fact in (
        "align-dsr-1h-3t@1.0.0, for align",
        "Use Estimating shifts.",
        "Not for Diagnosis.",
        # 117.09 and 129.41 MHz over 42.576 MHz/T; 25 us, 0.8 ms; 64 ms.
        "1H at 117 to 129 MHz (2.8 to 3.0 T), echo time 30 ms, dwell time 0.025 to 0.8 ms, FIDs 64 ms or longer.",
        "SNR 5 to 40, shifts -20 to 20 Hz, phases -90 to 90 degrees",
        "Trained on 9000 transients; 0.25 hours on cpu",
        "Made by fsl_mrs_dl train align --seed 0",
        "Measured on 2000 test cases",
        "shift SD 2.09 Hz 11.5 (no correction) 0.269 (CRLB)",
        "similarity 0.71 - -",
    ):
        assert fact in words, fact
    assert "widths" not in words  # the card has no range of them
    assert "ValidRange" not in words
    assert max(map(len, sheet.splitlines())) <= 100


def test_columns_stand_below_their_headings() -> None:
    head, *rows = data_sheet(CARD, Path("folder")).split("did not learn from:\n")[1].splitlines()[:3]
    for column in ("this model", "baseline", "bound"):
        assert all(re.match(r"\S", row[head.index(column) :]) for row in rows)


def test_what_is_not_known_is_not_made_up() -> None:
    card = replace(
        CARD, evaluation=(), valid=replace(CARD.valid, nucleus="19F", echo_time_s=(), duration_s=(0.1, 0.5))
    )
    words = one_line(data_sheet(card, Path("folder")))
    assert "It was not evaluated." in words
    assert "19F at 117 to 129 MHz, no single echo time" in words
    assert "FIDs 100 to 500 ms long" in words


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()))
def test_every_shipped_package_has_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", name]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n{label} " in shown for label in ("Use", "Not for", "Data", "Trained on", "Made by"))
    assert "bound" in shown
