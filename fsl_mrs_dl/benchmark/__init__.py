"""Tasks (prior, truth) x methods x scores: what regenerates every published table, and the demo."""
