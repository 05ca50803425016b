"""How the documentation is built: `sphinx-build -W docs docs/_build/html`, without network."""

import sys
from pathlib import Path

import fsl_mrs_dl

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "fsl-mrs-dl"
author = "The fsl-mrs-dl developers"
copyright = author
version = release = fsl_mrs_dl.__version__
language = "en-gb"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "registry_pages",
]
exclude_patterns = ["_build", "_ext"]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the numpydoc sections say type, shape and unit
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "alabaster"
html_theme_options = {
    "description": "Deep-learning steps for MRS, beside FSL-MRS and in FSLeyes",
    "fixed_sidebar": True,
    "page_width": "70rem",
    "sidebar_width": "16rem",
}
html_show_sourcelink = False
html_copy_source = False
