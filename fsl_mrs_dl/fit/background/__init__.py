"""Model the background under the metabolites: macromolecules, lipids and baseline, and hypotheses about them."""

from fsl_mrs_dl.fit.background.density import LEFT_OUT, DensityPrior, density_prior
from fsl_mrs_dl.fit.background.hypotheses import BASELINES, Hypothesis, Smooth, hypotheses
from fsl_mrs_dl.fit.background.member import MEMBER, one_proton, usual_mixture, with_member
from fsl_mrs_dl.fit.background.space import Background, background
from fsl_mrs_dl.fit.background.window import Window, joined, quarter_turn, split

__all__ = [
    "BASELINES",
    "LEFT_OUT",
    "MEMBER",
    "Background",
    "DensityPrior",
    "Hypothesis",
    "Smooth",
    "Window",
    "background",
    "density_prior",
    "hypotheses",
    "joined",
    "one_proton",
    "quarter_turn",
    "split",
    "usual_mixture",
    "with_member",
]
