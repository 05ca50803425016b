"""The windows: each draws the model and passes the user's choices back. Only this package imports wx."""
