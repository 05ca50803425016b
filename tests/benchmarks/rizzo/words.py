"""The words of the page of the task ``rizzo``."""

TITLE = "Twenty-four networks over spectra and spectrograms"
METHOD = """\
The study of Rizzo et al. 2023 ([doi:10.1002/mrm.29561](https://doi.org/10.1002/mrm.29561)): concentrations of
16 metabolites straight from a spectrum or a spectrogram, beside a model fit and its bound. Spectra of {points}
points of 0.25 ms at 123.25 MHz from the shipped basis set `{basis}` (the paper: semi-LASER, TE 35 ms):
concentrations uniform from 0 to the paper's largest ones, each by itself, tCho and tCr 1:1 sums; one T2 of 185
ms for all (the paper has 111, 169 and 289 ms for the lines of creatine and NAA, which the basis set does not
split); Gaussian width of 2 to 5 Hz; macromolecules ([doi:10.1002/mrm.26103](https://doi.org/10.1002/mrm.26103))
within +-33 %; a constant water line of 64.5 mM at 0.5 ppm; no shift, no phase. *SNR*: first point of that water
line over the SD of a channel, 5 to 40. Labels are divided by their largest value in training, and
concentrations are outputs over the output of water.

*Scores*: slope a and intercept q of the regression of estimate on truth, R2 their squared correlation, sigma
the RMSE; in *a R2* a slope above 1 counts as one as far below it. *sigma %* is relative to the middle of each
range: so the model fit lies where the paper's does, and relative to its end all would be half. *Model fit*:
least squares with the true lines but for one Gaussian width, as the paper's; *bounded*: amplitudes within -0.5
to 2.5 times the middle of their range, as there; *posterior mean*: the same, amplitudes uniform in their true
ranges. It shows what knowing the ranges is worth to one who has the model. *CRLB*: root mean square over the
test spectra, all amplitudes and the width unknown.

In this profile networks learn from {samples} spectra, a tenth of them to stop by, and are judged by {tested}
others. {sizes} {hours}"""
SMALLER = """\
Sizes are small: images of 32 by 8 points (256 bins of 4.7 ppm, 8 frames 24 ms apart), spectra of 256 bins,
channels as `tests/benchmarks/rizzo/plans.py` lists them, {epochs} epochs of batches of 50 for the shallow
network. What holds here holds for such networks; the profile `paper` has the published sizes."""
PUBLISHED = """\
As many as in the paper, with its inputs and channels. The training is shorter: batches of 200 instead of 50, for
launches of a GPU cost as much as what they compute, and fewer than 200 epochs; the last table has the share of the
paper's steps and examples for each network. Early stopping took fewer there too, how many is not printed. Learning
rates fall to nothing along half a cosine. Two minutes of an H200 GPU carried two networks as published, and one
with a *quarter image*: 32 by 8 points (256 bins of 4.7 ppm, 8 frames 24 ms apart), three times. Others stand as
`not run`. The single studies of water, training sets and noise, and stacking, need dozens of trainings:
their networks are *small*: quarter image, spectra of 256 bins, channels as `tests/benchmarks/rizzo/plans.py` lists
them, {samples} spectra and {epochs} epochs of batches of 50, on a processor. What holds in these holds for such
networks."""
HOURS = """\
The {n} networks once, as published, would take {hours:.0f} hours of a processor, from the step that each of them
made here (first table)."""
BUILDS = """\
**All twenty-four.** At the published sizes and inputs with 17 outputs: parameters, operations of one spectrum
forward, loss of a batch before and after a short step down its gradient, whether the outputs are the same after
saving and loading, and what 200 epochs of 18 000 spectra would take here, from the time of one step of Adam.
EfficientNet-B7, ResNet-50 and the best shallow network have the numbers of parameters that are published for
them (`tests/unit/test_compared_networks.py`); of the U-Nets 17 are counted together."""
ORDERINGS = "**What was asked of the networks.**"
FINDINGS = """\
**The eight findings of the paper.** Intervals after +- (95 %, Student's t) are over trainings, in parentheses
over test spectra (bootstrap). A verdict over trainings needs three of them."""
GROUPS_CAPTION = """\
**Networks, ensembles and fits.** Means over the metabolites of a group (*well*: NAA, tCho, tCr, mI, Glu;
*medium*: Glc, NAAG, Gln, GSH; *weak*: sI, Gly, Asp, PE, Tau, Lac, GABA); +- over trainings. *Training mean*:
the middle of each range for every spectrum; what has its sigma has learned nothing."""
METABOLITES = (
    "**Each metabolite**: a / q (mM) / R2 / sigma (mM), of the first training; range and bound in mM."
)
ENSEMBLES = """\
**Ensembles.** Stacking as published (two hidden layers of 1000 and 500 on the outputs of the members, trained
on the spectra that the members have learned from); *out of fold*: trained on outputs for spectra that the
members' copies did not learn from; *mean*: no network, the mean of the members."""
WATER = """\
**The water line.** {shallow} with and without it, at one receiver gain, as in the paper, and at gains of 0.5 to
2. With water, outputs are signal sizes and their ratio to the output of water is the concentration; without it,
concentrations are learned straight. At a random gain they cannot be told from the signal alone."""
SETS = """\
**Training sets.** {shallow} on equally large sets of which a fifth is replaced: all metabolites (*fully-w*) or
some in the lowest or highest fifth of their range, *SNR-w*: SNR 5 to 15; *query loop*: a fifth is asked for by
a network that was trained on the rest, in proportion to its square error, from a pool three times as large.
Judged on the uniform test set. Differences training by training."""
CLIPS_CAPTION = """\
**Clipped test sets**: only spectra in which a metabolite lies in the middle of its range; median over
metabolites of the change of its scores. {network}; nothing is trained anew."""
NOISELESS = """\
**The noiseless limit**: trained and tested without noise. What is left is the network's own error, for the
concentrations are determined."""
SNR_GROUPS_CAPTION = """\
**RMSE and bound by SNR of water**, in mM. Where a network's RMSE is below the bound, it is drawn to the mean of
its training."""
SHRINKAGE = """\
**Slope against bound, for every method.** An unbiased estimate has an RMSE of at least the CRLB. What lies
below it shrinks: it answers with the prior where the spectrum says little. *RMSE / CRLB*: mean over the group."""
CALIBRATION = """\
**Spread as uncertainty.** Coverage of intervals as in [trust](trust.md), by the same function: of Gaussians of
the mean and SD of several networks' answers, and of answers with dropout left on. Mean over the 16 metabolites,
lowest and highest; target: each within 3 points. *+-1.96 CRLB*: the model fit's amplitude and bound on the same
spectra."""
TRAININGS = """\
**Trainings**, in seconds of the clock, several side by side on a GPU; the published ones have 72 000 steps and
3 600 000 examples at most. A step of a full batch (scattering) has all examples."""
REMARKS = """\
{wins} Where it has, it answers with the ranges of its training, and the posterior mean of the fit, which is
told the same ranges, says what those are worth. No weights are shipped: a network that is no better than the
fit on spectra like its training's has no claim to others, see [other worlds](regressors.md). One command makes
each again, `fsl_mrs_dl train quantify --architecture NAME`.

DQ networks, the scalogram network and the shipped `start` are not in these tables: `not run` on this set."""
