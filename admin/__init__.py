"""The admin: Flask-AppBuilder pages, the departments' REST door, live notices. `create_app` is the way in."""

from __future__ import annotations

from admin.app import create_app
from admin.config import AdminConfig

__all__ = ["AdminConfig", "create_app"]
