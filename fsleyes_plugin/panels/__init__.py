"""The windows: each draws what the model says and hands back what was chosen. Only here is wx."""
