"""The text of the page of the task ``trust``."""

METHOD = """\
**Set.** Amplitudes uniform in the published ranges (Shamaei et al. 2023,
[doi:10.1016/j.compbiomed.2023.106837](https://doi.org/10.1016/j.compbiomed.2023.106837), ranges of the code),
one Lorentzian damping of 0 to 15 /s, shift within +-3 Hz, phase within +-9 degrees, white noise; basis:
{basis}. SNR_f is that of the set's mean: 0.40 a channel is 67. *Generating prior*: the posterior uses these
ranges and this lineshape, which tests the computation. *Weak prior*: the posterior of `quantify` without a
baseline: Voigt line, delay, amplitudes at or above zero, window 0.2 to 4.2 ppm, and the prior `{prior}`:
{words}.

**Worlds and unusual inputs.** Brain spectra of {points} points of {ms:g} ms at 123.25 MHz with Voigt lines of
1 to 4 Hz Lorentz and 1 to 5 Hz Gauss, shift within +-5 Hz, phase within +-30 degrees, amplitudes uniform in
the ranges of table 2 of the same paper. `quantify` fits them with its defaults and the shipped basis set
`press_3t_te30`. SNR_f is that of the metabolites without macromolecules."""
COVERAGE = """\
**Coverage under the generating prior.** Mean over members, lowest and highest; target: each within 3 points. *p
of ranks*: probability of a rank histogram as uneven as that of the worst member. *+-1.96 CRLB*: coverage of the
plain fit's amplitude +- 1.96 bounds (target 95 %). *ms*: time of the posterior of one spectrum, without its
fit."""
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
**Compared with long Markov chains** on the exact likelihood with known noise: RMSE of the posterior mean over
that of the chains' mean, each member; target: at most 1.05."""
WEAK = """\
**Coverage under the weak prior**, that of `quantify`. It is not the prior of the set, so there is no target for
its intervals. *+-1.96 CRLB*: of the non-negative estimate, also without a target."""
WEAK_MEMBERS = """\
Coverage under the weak prior, each member: of 50 % / of 95 %; median shrinkage."""
LINES = """\
**Why the strongest member deviates under the weak prior.** The lines of the set are Lorentzian, which is the limit
of Voigt lines without a Gaussian part. A uniform prior of that part gives this limit no probability: widths are
above zero, and the amplitude of the strongest line compensates. The same spectra, and the same fit with Lorentzian
lines (`--lorentzian`)."""
SLOPES = """\
**Slopes and ends of the range.** The bound is that of the plain fit (no bounds on amplitudes, exactly the
model of the set). Target: slopes of members with a relative bound below 10 % within 0.95 to 1.05; bias in the
lowest and highest decile at most one bound for the estimates of the likelihood. A method below the bound is not
better than a fit: its prior pulls the estimates."""
SLOPE_MEMBERS = """\
Each member at SNR_f {snr:g}: RMSE over bound; slope. * marks an RMSE below the bound, which is possible only by
shrinkage, or because an amplitude is not negative."""
ABSENT = """\
**A member that is absent**, at SNR_f {snr:g}, by `quantify`: estimate and posterior mean over the bound."""
WORLDS = """\
**Spectra that do not follow the model**, at SNR_f {snr:g}: ratios to Cr+PCr of `quantify` with its defaults.
*Bias*: median of estimate over truth, minus one. *Widening*: factor of the posterior's intervals from lines in
the residual; median. *Covers*: coverage of the 95 % interval, and of estimate +- 1.96 SD: mean over metabolites,
and the lowest. *Taken up*: share of the energy of the basis set's error that wrong amplitudes of metabolites
absorb, so that the residual does not show it. It would be a third if the error did not resemble any line."""
FALSE_ALARMS = """\
**False alarms on spectra of the model.** *Surprise*: -log10 of the probability that noise has such a residual;
three tests (energy, mean power of lines, highest line), of which the smallest p counts, times three."""
UNUSUAL = """\
**Unusual inputs** separated from usual ones by `qc/surprise` (a spectrum without signal counts as the most
unusual). Target: AUROC of 0.9 at SNR_f 67 if the energy oracle reaches it. *Misfit alone*: the energy of the
residual, `qc/ood`. *Energy oracle*: the same with known noise, from the residual of a noiseless fit. *Shape
oracle*: a test that knows the residual of a noiseless fit, the limit of every test of residuals. *Flagged*:
share with each flag."""
REMARKS = """\
The posterior mean under the generating prior is the best possible estimate on this set, also for networks: in the
tables it is the bound of methods that were trained on these ranges. The training mean shows the error of a method
that does not use the data.

The spread of several networks and the scatter by dropout, which some take for an uncertainty, are judged by the
same function of coverage in [twenty-four networks](rizzo.md): they hold far fewer truths than they claim.

Intervals are wider than in white noise by a factor that is computed from lines in the residual. This assumes
that the fit has absorbed as much of the basis set's error in each direction as it left in the others, which is
not proved. If the error of the basis set looks like its own members, the residual is small and intervals are too
narrow: the lowest coverage of each world is of such a member, for example of a metabolite that absorbs
macromolecules of another shape.

Unusual inputs are compared at SNR_f {snr}. If the oracle is weak, no score can be strong: the absence of one
metabolite of a usual concentration is hidden by noise and by its neighbours. The combination of the three tests
was fixed before these numbers were known."""
