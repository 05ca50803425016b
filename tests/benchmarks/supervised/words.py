"""The words of the pages on supervised regressors."""

from tests.benchmarks.table import NOT_RUN


def how_much(profile: str, share: float) -> str:
    """Say which part of the published trainings was done."""
    part = "" if share == 1 else f" Trainings have {100 * share:g} % of the steps of the profile `{profile}`."
    return part if profile == "paper" else f"{part} The profile `paper` was {NOT_RUN}."


HATAMI_METHOD = """\
Signals of 2048 points of 0.25 ms from one basis set ({basis}): each of the components has its own amplitude,
uniform in [0, 1], shift within +-10 Hz and damping, without noise or with an SNR_t0 of 10 (first point over the
SD of a channel), after Hatami et al. 2018 ([arXiv:1806.07237](https://arxiv.org/abs/1806.07237)). The
publication gives +-10 Hz for the damping: read as a rate, FIDs would grow 5000-fold. Here it is +-10 1/s;
*physical damping* adds 0 to 10 Hz of width instead. A convolutional network with concatenated ReLU reads the
complex spectrum from -0.2 to 5.6 ppm; its layers are a proposal, for the figure with the published ones is
lost. Adam, {rate:g}, falling along half a cosine.

*QUEST-like fit*: time-domain least squares of amplitude, shift and damping of every component, from no shift
and mean damping, within the ranges. *Fit, few points first*: the same model, first on 64 points, then on twice
as many, up to all, and with the ranges as a prior. *CNN, then the fit*: from what a network that was trained
for amplitudes, shifts and dampings gives, first on 256 points. *Posterior median, sampled*: Gibbs sampling
under the very ranges that the signals were drawn from, {chains} chains of {sweeps} sweeps; the mode, which a
fit gives, is not what a SMAPE is least at. The median of endless chains is; these are short and seldom swap two
components that look alike (GPC and PCh), which adds to the error. *Random forest*: of {trees} trees on {grown}
signals. Fits and chains run on the first {few} test signals, networks on all. Bounds know the model:
*efficient* is the Cramer-Rao bound, *Bayes* that of an estimator that knows the ranges too, both turned into a
SMAPE as of Gaussian errors; they are local, and no estimator need reach them."""
HATAMI_MEANS = """\
**Mean SMAPE in % over all components.** Intervals (95 %, Student's t) are over seeds of the training. What was
asked of each profile stands below; these are no bounds."""
HATAMI_COMPARISONS = """\
**Who beats whom.** Difference of the mean SMAPE on the same signals, its interval over the seeds of the CNN;
below zero the CNN is better."""
HATAMI_SCATTER = """\
Estimate over truth of six components, {study}: above the network, below the fit. On the line the two are equal;
a cloud that lies flatter than the line is drawn towards the mean of the training."""
HATAMI_SIZES = """\
**Size of the data.** As many steps each, but at most three times as many passes over the signals; the weights
of the best epoch are judged."""
HATAMI_TRAININGS = """\
**Trainings** of the CNN; the published one has 200 000 steps on 400 000 signals, of batches whose size is not
printed. Seconds are those of one core, or of the clock on a GPU that several trainings shared."""
HATAMI_REMARKS = """\
Independent shifts of +-10 Hz are not found in a brain, where metabolites move together within 1 to 3 Hz: they
make Cr and PCr, and GPC and PCh, all but interchangeable. Amplitudes drawn alike for all metabolites are not
those of a brain either. A regressor that scores well here knows this prior; [the table of
worlds](regressors.md) says what such networks know elsewhere."""
CWT_METHOD = """\
Noise-free signals of the study of [a network on the spectrum](hatami.md) ({basis}), {samples} of them to learn
from, a tenth of these for validation, as in Shamaei 2020 (Proc. EEICT 2020, 131-135). Three networks with equal
data, steps and optimiser: six convolutions over the spectrum, and six two-dimensional ones over a scalogram of
the first 1536 points, a wavelet transform with Morse wavelets (gamma 3, beta 20) of both signs of the
frequency, 30 to 700 Hz, on a grid of {grid}. The publication keeps all 1536 times. A coarse grid loses the
phase, which turns several times from one time to the next: each row of the complex scalogram is therefore
turned back by its own frequency. Layers are a proposal, for the figure with the published ones is lost; so are
Adam with 1e-3 instead of 1e-5 and the number of epochs, which is not printed. Its validation loss, 0.23, is a
SMAPE of about 12 %."""
CWT_SUMMARY = """\
**Three inputs.** Over all components; intervals (95 %, Student's t) over the seeds. Slope of estimate on truth:
1 is faithful, 0 is the mean of the training. Seconds are those of one core, or of the clock on a GPU that
several trainings shared."""
CWT_COMPARISONS = """\
**Who beats whom.** Difference of the mean SMAPE, seed by seed; below zero the first is better."""
CWT_COMPONENTS = "**SMAPE in % of each component**, mean over the seeds."
CWT_ABSOLUTE = "**Mean absolute error of each component**, in hundredths of the range of amplitudes."
CWT_REMARKS = """\
The publication finds the scalogram better than the spectrum at equal data. It compares with a network of
two-dimensional layers either way and has one seed; what the tables here say holds for the networks and the
budget above."""
SCATTERING_METHOD = """\
The seven data sets of Shamaei et al. 2021
([doi:10.5220/0010318502680275](https://doi.org/10.5220/0010318502680275)): DSS1 is the set with noise of [a
network on the spectrum](hatami.md) ({basis}). DSS2 to DSS7 have 15 metabolites at 9.4 T (`press_9.4t_te20`, GPC
for free choline), amplitudes in [0.5, 1], shifts within +-10 Hz and damping of -2.5 to 5 1/s of each by itself;
DSS3 one phase within +-22.5 degrees, DSS4 one for each metabolite; DSS5 the former with 5 to 15 dB of noise,
DSS6 and macromolecules, DSS7 and these with lines of +-10 %. The lines of the publication are not printed: 13
others ([doi:10.1002/mrm.26103](https://doi.org/10.1002/mrm.26103)) stand in, 0.3 times as high at the first
point as the metabolites.

*Scattering*: {paths} paths of orders 0 to 2 (8 and 1 wavelets an octave), 8 windows of 128 points, real and
imaginary part; 20 neurons with tanh and a linear layer, trained by L-BFGS over all signals, which stands for
the scaled conjugate gradients of the publication. *CNN*: the network on the spectrum, with equal data.
*Linear*: ridge regression on the features of the scattering, its weight chosen by the validation signals.
Three seeds where methods are compared (DSS5), else one.
*Fit*: the time-domain fit of few points first, which knows the ranges."""
SCATTERING_SUMMARY = """\
**Mean SMAPE in % over all components**, intervals (95 %, Student's t) over the seeds where there are several.
What was asked of each profile is no bound. No skill: the mean of the training."""
SCATTERING_COMPARISONS = """\
**Who beats whom.** Difference of the mean SMAPE on the same signals, its interval over the seeds of the
scattering network; below zero it is better."""
SCATTERING_TIMES = """\
**Seconds to train**, of one core, or of the clock on a GPU that several trainings shared. The publication
claims a factor of 45 between CNN and scattering network, features included."""
SCATTERING_MEANS_PICTURE = """\
What a phase, noise and macromolecules add to the error of the scattering network: here beside the publication. At
the dashed line nothing has been learned but the mean of the training."""
SCATTERING_SMAPE_PICTURE = """\
Error of each metabolite by the scattering network, from the easiest data set (DSS2, left bar) to the hardest
(DSS7, right bar)."""
SCATTERING_COMPONENTS = "SMAPE in % of each component, mean over the seeds."
SCATTERING_STEPS = (
    "**What phase, noise and macromolecules cost**, ratio of mean SMAPEs of the scattering network."
)
SCATTERING_REMARKS = """\
Amplitudes in [0.5, 1] make the mean of the training score {no_skill:.1f} %: what is near that has learned
nothing. The factor in time is one of networks, optimisers and machines, and not of the input alone."""
REGRESSORS_METHOD = """\
The regressors of `train quantify` ({names}), each trained on {samples} spectra of the brain that the program
simulates with `{basis}`, with three seeds, and then used as anybody would: `quantify --model`. Beside them the
fit, with its default and with a fixed baseline; a random forest over the input of `crelu` that learned from the
same spectra; and the mean of the training, which looks at no spectrum. {n} spectra each: of the training's own
prior, and of [worlds](worlds.md) that are fitted with this basis set, one for each kind of difference. Neither
the networks nor the model of the fit made these: they have other macromolecules, lineshapes, shifts of single
metabolites, lipid, water, or less signal. Judged are ratios to total creatine, as there; of the default the
posterior mean, of all else the estimate."""
REGRESSORS_ALL = """\
**Mean absolute error of ratios to total creatine, all metabolites.** Intervals (95 %, Student's t) are over the
seeds of the training; all methods have the same spectra."""
REGRESSORS_STRONG = "**The same for what studies report** (the strong ones of [worlds](worlds.md))."
REGRESSORS_COMPARISONS = """\
**Who is nearer to the truth.** In how many worlds the 95 % interval of the difference, over the seeds, lies below
zero (better), holds it, or lies above. A package would be shipped if it were better than the default of the fit
over all worlds."""
REGRESSORS_GOOD = """\
**Share of spectra whose verdict is good.** For a regressor it stands on the residual at its amplitudes."""
REGRESSORS_TRAININGS = """\
**Trainings**, and mean R2 of the metabolites on spectra like the training's, from the cards."""
REGRESSORS_PICTURE = """\
Error in each world; low is good. A regressor that lies at the level of the training mean has read nothing from
the spectrum."""
REGRESSORS_REMARKS = """\
A regressor that is near the bound on spectra like its training's has learned their prior as well as their
signals. Where a row is far above the first one, that prior does not hold, and nothing in the amplitudes says
so: the residual has to."""
