"""What the studies of supervised regressors share: signals, trainings, rivals, tables."""
