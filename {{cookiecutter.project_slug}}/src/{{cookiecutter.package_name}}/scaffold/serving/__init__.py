"""The service: an API and a page over HTTP, and the one place that decides who is calling."""

from .api import create_api
from .server import serve
from .settings import ServiceFile

__all__ = ["ServiceFile", "create_api", "serve"]
