"""Files in, files out: NIfTI-MRS, basis sets, results. No torch, no FSL-MRS."""
