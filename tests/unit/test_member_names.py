"""Names of a basis set's members: FSL-MRS's spelling, the nearest of a mistyped one, and what can name a file."""

import pytest

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.basis import canonical_name, check_names, nearest_names


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("PCho", "PCh"),
        ("Scyllo", "sIns"),
        ("mI", "Ins"),
        ("PEth", "PE"),
        ("gaba", "GABA"),
        ("PCho_1", "PCh_1"),
        ("MM09", "MM09"),
        ("-CrCH2", "-CrCH2"),
        (" Cr ", "Cr"),
    ],
)
def test_names_are_spelt_as_fsl_mrs_spells_them(written, name):
    assert canonical_name(written) == name
    assert canonical_name(name) == name


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("Creatin", ["Cr"]),
        ("NAAA", ["NAA", "NAAG"]),
        ("glu", []),
        ("Lac", []),
        ("xyz", []),
        ("-CrCH", ["-CrCH2"]),
    ],
)
def test_nearest_names(asked, near):
    assert nearest_names(asked, ("NAA", "NAAG", "Cr", "Glu", "Mac", "-CrCH2"))[: len(near) or None] == near


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "/etc", "a\0b", "a\nb", "x" * 101, "\u00e9" * 51, "\ud800"]
)
def test_names_that_cannot_name_a_file(name):
    with pytest.raises(OptionError, match="cannot name a file"):
        check_names(("Cr", name))


def test_usual_names_can_name_a_file():
    check_names(("-CrCH2", "Cr+PCr", "\u03b2HB", "MM 0.9", "x" * 100))
