"""Tasks (prior, truth) x methods x scores: what makes every published table. Run from a clone."""
