"""The command ``demo``: simulated data through the program, the truth beside the results."""
