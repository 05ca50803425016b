"""The words of the pages on supervised regressors."""

HATAMI_METHOD = """\
Signals of 2048 points of 0.25 ms from one basis set ({basis}): each of the components has its own amplitude,
uniform in [0, 1], shift within +-10 Hz and damping, without noise or with an SNR_t0 of 10 (first point over the
SD of a channel), after Hatami et al. 2018 ([arXiv:1806.07237](https://arxiv.org/abs/1806.07237)). The
publication gives +-10 Hz for the damping: read as a rate, FIDs would grow 5000-fold. Here it is +-10 1/s;
*physical damping* adds 0 to 10 Hz of width instead. A convolutional network with concatenated ReLU reads the
complex spectrum, of which `small` keeps -0.2 to 5.6 ppm; its layers are a proposal, for the figure with the
published ones is lost. Adam, 1e-3, falling along half a cosine.

*QUEST-like fit*: time-domain least squares of amplitude, shift and damping of every component, from no shift
and mean damping, within the ranges. *Fit, few points first*: the same model, first on 64 points, then on twice
as many, up to all, and with the ranges as a prior. *CNN, then the fit*: from what a network that was trained
for amplitudes, shifts and dampings gives, first on 256 points. Fits run on the first {few} test signals,
networks on all. Bounds know the model: *efficient* is the Cramer-Rao bound, *Bayes* that of an estimator that
knows the ranges too, both turned into a SMAPE as of Gaussian errors; they are local, and no estimator need
reach them."""
HATAMI_MEANS = """\
**Mean SMAPE in % over all components.** Intervals (95 %, Student's t) are over seeds of the training. What was
asked of each profile stands below; these are no bounds."""
HATAMI_COMPARISONS = """\
**Who beats whom.** Difference of the mean SMAPE on the same signals, its interval over the seeds of the CNN;
below zero the CNN is better."""
HATAMI_SIZES = """\
**Size of the data.** As many steps each, but at most three times as many passes over the signals; the weights
of the best epoch are judged."""
HATAMI_TRAININGS = "**Trainings** of the CNN; the published one has 200 000 steps on 400 000 signals."
HATAMI_REMARKS = """\
Independent shifts of +-10 Hz are not found in a brain, where metabolites move together within 1 to 3 Hz: they
make Cr and PCr, and GPC and PCh, all but interchangeable. Amplitudes drawn alike for all metabolites are not
those of a brain either. A regressor that scores well here knows this prior; [worlds](worlds.md) says what it
knows elsewhere."""
