"""The commands ``evaluate`` and ``models``: synthetic beside real transients; packages and their claims."""
