"""A run for people: on the terminal, as a page, as Markdown for a pull request, as JUnit XML for the build server."""

from .findings import headline
from .junit import junit
from .markdown import markdown
from .page import page
from .terminal import render, text
from .words import summary
from .written import FORMATS, baseline, latest, write

__all__ = [
    "FORMATS",
    "baseline",
    "headline",
    "junit",
    "latest",
    "markdown",
    "page",
    "render",
    "summary",
    "text",
    "write",
]
