"""The command ``demo``: process simulated data, and compare the results with the truth."""
