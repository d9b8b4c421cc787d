"""How Sphinx builds the site: `make docs`. Everything that a page loads is in the build, so that it is read offline."""

import importlib.metadata
import os
import re
import warnings

import click
import matplotlib

import riskmodel
from riskmodel.cli import commands

# What the package's own tests set, for the kernels and examples that run here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A warning that a picture gives is a fault of the picture.
warnings.filterwarnings("error", module="riskmodel")

project = "riskmodel"
author = "The riskmodel authors"
copyright = "The riskmodel authors, BSD-3-Clause"
release = version = riskmodel.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["conf.py", "gallery", "generated/gallery/**.py", "**.ipynb"]

# ---------------------------------------------------------------- Markdown and notebooks

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = -1  # no clock judges a busy machine
nb_merge_streams = True
nb_ipywidgets_js = {}  # nothing is fetched for widgets: there are none

# ---------------------------------------------------------------- the package's own descriptions

default_role = "py:obj"
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"  # numpydoc's Parameters say more
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# ---------------------------------------------------------------- pictures

# As `riskmodel.plots.save` writes them: nothing that stands out of the axes is cut off.
matplotlib.rcParams["savefig.bbox"] = "tight"
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": r"\.py$",
    "subsection_order": ["gallery/series", "gallery/choices", "gallery/answers"],
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": (),
    "reset_modules": (),  # which would take back the line above
    "abort_on_example_error": True,
    "download_all_examples": False,
    "copyfile_regex": "",
    "show_signature": False,
    "show_memory": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "plot_gallery": True,
    "remove_config_comments": True,
}

# ---------------------------------------------------------------- the pages

html_theme = "pydata_sphinx_theme"
html_title = "riskmodel"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "riskmodel"},
    "header_links_before_dropdown": 8,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "tutorial": [], "coming-from": []}
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # of pages read as files a browser fetches none for it
html_css_files = ["site.css"]
html_js_files = ["narrow.js"]
# MathJax as one file with its fonts inside, from the wheel of the `docs` extra.
_MATHJAX = next(
    one
    for one in importlib.metadata.files("sphinx-mathjax-offline") or ()
    if one.name == "tex-svg.js"
)
html_static_path = ["_static", str(_MATHJAX.locate())]
mathjax_path = "tex-svg.js"


def _written(app, docname, source):
    """A page as Sphinx shall read it."""
    text = source[0]
    if docname.startswith("findings/"):
        # Anchors in HTML, for readers on a forge, as targets that links are checked by.
        text = re.sub(r'<a id="([\w-]+)"></a>', r"[]{#\1}", text)
    if docname == "command-line":
        text += _commands()
    # The empty line that ends an example for doctest is not shown.
    text = re.sub(r"\n\n```$", "\n```", text, flags=re.MULTILINE)
    # A page's path, as the repository's files name it, is a link here, by the page's title.
    text = re.sub(r"`docs/([\w/-]+\.md)`", r"[](/\1)", text)
    text = re.sub(r"\[([\w-]+\.md)\]\(\1\)", r"[](\1)", text)
    # In a table no number is parted from its sign.
    source[0] = re.sub(
        r"^\|.*",
        lambda row: re.sub(r"(?<=\d) (?=%)", "\u00a0", row[0]),
        text,
        flags=re.MULTILINE,
    )


def _commands():
    """What each command's `--help` says."""
    lines = []
    for path, command in sorted(_walk(("riskmodel",), commands)):
        context = click.Context(command, info_name=" ".join(path), terminal_width=100)
        lines += [
            f"## {' '.join(path)}",
            "",
            "```text",
            command.get_help(context),
            "```",
            "",
        ]
    return "\n" + "\n".join(lines)


def _walk(path, command):
    yield path, command
    for name in getattr(command, "commands", {}):
        yield from _walk((*path, name), command.commands[name])


def setup(app):
    app.connect("source-read", _written)
