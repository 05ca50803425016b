"""The text of the page of the task ``worlds``."""

METHOD = """\
**Worlds.** Simulated spectra that do not follow the model of the fit: {points} points of {ms:g} ms at 123 to
127.7 MHz, with the metabolites of one basis set, fitted with a shipped one; with the macromolecules of one table
or of a metabolite-nulled spectrum, fitted with others; and with the artefacts of measured spectra. One factor is
varied at a time around a centre, and there are {combinations} combinations of all. Amounts are log-normal about
means over studies of healthy brain ([doi:10.1016/j.ab.2023.115227](https://doi.org/10.1016/j.ab.2023.115227)),
SD 15 % for strong and 35 % for weak metabolites; one spectrum in five is diseased (NAA 0.3 to 0.7, cholines 1.5
to 3, Ins 1.5 times, Lac 1 to 6 mmol/kg). Phase SD 20 degrees, shift within +-5 Hz. The macromolecules' area in
0.7 to 1.85 ppm is {size:g} times that of the methyl group of total creatine, as in a measured head, SD 25 %,
each line another 10 %, all widths times 0.9 to 1.2. SNR_f: highest peak of the metabolites over the noise's SD.

**Scores** are of ratios to total creatine. *MAE*: mean absolute error over spectra and metabolites; the truth of
members that are absent in the world is zero. *Strong*: {strong}. Two numbers: maximum likelihood / posterior
mean. *Bias*: mean error over mean truth. The bias of the amplitude of total creatine (maximum likelihood, median
over spectra) does not show in ratios, but in concentrations by water. A ratio without a value counts as zero.
*Failures*: fits that did not settle or gave no ratios. All settings have the same spectra.
The prior and its hypotheses do not use the macromolecules of the world in which they are tested, except those of
`wilson_2011`, which come with the shipped basis sets and which every setting may use."""
DESIGN = "**The worlds.**"
SUMMARY = """\
**Over all worlds.** *Best fixed one*: lowest error of the settings of `quantify` other than the default; errors
of the posterior mean. Coverage: mean over worlds, lowest and highest. FSL-MRS fits the first few spectra."""
SCORES = "**Each world.**"
HELD_OUT = """\
**Held out: metabolites and measured macromolecules of the ISMRM 2016 basis set.** These macromolecules are in no
prior and in no other world, and no choice of the program was made with these spectra. They are fitted with
`press_3t_te30`, and with the set itself, whose own macromolecules are a member."""
SITES = """\
**Measured: three sites, twelve people.** Big GABA, PRESS TE 35, water removed by `remove`, fitted with
`press_3t_te35`; posterior means. Coefficient of variation of people within a site (root mean square over sites)
and of the sites' means. The truth is not known: less variation is better only if the means are right."""
