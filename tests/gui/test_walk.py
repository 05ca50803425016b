"""Random walks through the viewer: after each action table, map, spectrum and names agree with the files."""

import sys

import numpy as np
import pytest

from tests.gui.walker import Walker, material

pytestmark = pytest.mark.gui


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return material(tmp_path_factory.mktemp("material"))


@pytest.fixture
def walker(viewer, paths, tmp_path, monkeypatch):
    """A walker in the layout, without a seed."""
    from fsleyes_plugin.panels.map_panel import MRSFitMaps
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    _, view = viewer.layout()
    for kind in (MRSFitTable, MRSFitMaps, MRSFitQuality):
        viewer.panel(view, kind)

    def walk(seed, n, **how):
        walker = Walker(viewer, view, paths, tmp_path, np.random.default_rng(seed))
        monkeypatch.setattr(sys, "excepthook", walker.hear)
        walker.walk(n, **how)

    return walk


def test_thirty_actions(walker):
    walker(7, 30, runs=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_three_hundred_actions(walker, seed):
    walker(seed, 300)
