"""The words of the trust page."""

METHOD = """\
**Set.** Amplitudes uniform in the published ranges (Shamaei et al. 2023,
[doi:10.1016/j.compbiomed.2023.106837](https://doi.org/10.1016/j.compbiomed.2023.106837), ranges of the code),
one Lorentzian damping of 0 to 15 /s, shift within +-3 Hz, phase within +-9 degrees, white noise; basis:
{basis}. SNR_f is that of the set's mean: 0.40 a channel is 67. *Generating prior*: the posterior knows these
ranges and the kind of line, as in a test of arithmetic. *Weak prior*: what `quantify` does without a
baseline: Voigt line, delay, amplitudes at or above zero, window 0.2 to 4.2 ppm, and the prior `{prior}`:
{words}.

**Worlds and unusual inputs.** Brain spectra of {points} points of {ms:g} ms at 123.25 MHz with Voigt lines of
1 to 4 Hz Lorentz and 1 to 5 Hz Gauss, shift within +-5 Hz, phase within +-30 degrees, amplitudes uniform in
the ranges of table 2 of the same paper, given to `quantify` with its defaults and the shipped basis set
`press_3t_te30`. SNR_f counts the metabolites alone."""
COVERAGE = """\
**Coverage under the generating prior.** Mean over members, lowest and highest; wanted: each within 3 points.
*p of ranks*: chance of a rank histogram as uneven as the worst member's. *+-1.96 CRLB*: coverage of the plain
fit's amplitude +- 1.96 bounds (95 % wanted). *ms*: time of a posterior for a spectrum, its fit not counted."""
MEMBERS = """\
Coverage under the generating prior, each member: of 50 % / of 95 %; median shrinkage (posterior over prior
variance)."""
WIDTHS = """\
Coverage under the generating prior by linewidth: thirds of the damping (0 to 15 /s). Mean over members,
lowest and highest."""
CONFORMAL = """\
**Conformal correction** under the generating prior, learned on one half of the spectra and tested on the
other: lowest and highest coverage over members, and the largest share of an interval's width that is put on
each end."""
REFERENCE = """\
**Against long Markov chains** on the exact likelihood with the noise known: RMSE of the posterior mean over
that of the chains' mean, each member; wanted: at most 1.05."""
WEAK = """\
**Coverage under the weak prior**, as `quantify` has it. It is not the prior of the set, and its intervals
need not cover: reported. *+-1.96 CRLB*: of the non-negative estimate, reported, not claimed."""
WEAK_MEMBERS = """\
Coverage under the weak prior, each member: of 50 % / of 95 %; median shrinkage."""
LINES = """\
**Why the strongest member is off under the weak prior.** The lines of the set are Lorentzian, at the very edge of
Voigt lines, and uniform beliefs about their Gaussian part have no weight there: widths are drawn up from zero, and
the strongest line pays. The same spectra, and the same fit told that lines are Lorentzian (`--lorentzian`)."""
SLOPES = """\
**Slopes and ends of the range.** The bound is that of the plain fit (no bounds on amplitudes, exactly the
model of the set). Wanted: slopes of members with a relative bound below 10 % within 0.95 to 1.05; bias in the
lowest and highest decile at most one bound for the likelihood's estimates. A method below the bound is not
better than a fit: it is drawn to its prior."""
SLOPE_MEMBERS = """\
Each member at SNR_f {snr:g}: RMSE over bound; slope. * marks an RMSE below the bound, which only shrinkage,
or an amplitude kept at or above zero, explains."""
ABSENT = """\
**A member that is absent**, at SNR_f {snr:g}, as `quantify` has it: estimate and posterior mean over the
bound."""
WORLDS = """\
**Worlds that are not the model's**, at SNR_f {snr:g}: ratios to Cr+PCr of `quantify` with its defaults.
*Bias*: median of estimate over truth, less one. *Widening*: of the posterior's intervals, by what the residual
shows through lines; median. *Covers*: mean over metabolites, and the lowest, of the 95 % interval, and of
estimate +- 1.96 SD. *Taken up*: share of the energy
of what the basis set has wrong that metabolites of wrong amplitudes describe, so that no residual shows it; a
third would be theirs if the error looked like no line in particular."""
FALSE_ALARMS = """\
**The model's own spectra called unusual.** *Surprise*: decades of the chance that noise leaves as strange a
residual; three tests (energy, mean power of lines, highest line) of which the smallest p counts, times three."""
UNUSUAL = """\
**Unusual inputs** told from usual ones by the surprise in `qc/surprise` (a spectrum in which nothing was found
counts as the most unusual). Wanted: AUROC of 0.9 at SNR_f 67 where the energy oracle reaches it. *Misfit alone*:
the energy of the residual, `qc/ood`. *Energy oracle*: the same with the noise known, from what a noiseless fit
leaves; *shape oracle*: of a test that knows what a noiseless fit leaves, the most that any test of residuals can
reach. *Flagged*: share with each flag."""
REMARKS = """\
The posterior mean under the generating prior is the best that any method can do on this set, networks
included: it stands in the tables as the bound of methods that were trained on these ranges. The training mean
shows what a method gets without looking at the data.

Intervals are wider than white noise makes them by what the residual shows through lines of the fitted shape:
what the basis set has wrong is assumed to be as large where the fit has taken it up as where it has left it.
That is no proof. Where the error of the basis set looks like its own members little is left, and intervals stay
too narrow: the lowest coverage of each world is of such a member, as when macromolecules of another shape are
taken for a metabolite that lies on them.

Unusual inputs are judged at SNR_f {snr}. Where the oracle is weak no score can be strong: one metabolite
less, at a usual concentration, hides in noise and in its neighbours. How the three tests are joined was settled
before any of these numbers was seen."""
