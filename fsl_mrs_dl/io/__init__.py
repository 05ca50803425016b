"""Read and write files: NIfTI-MRS, basis sets, results. No torch, no FSL-MRS."""
