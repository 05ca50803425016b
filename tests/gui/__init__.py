"""Tests of the viewer; a package, so that its conftest has a name of its own."""
