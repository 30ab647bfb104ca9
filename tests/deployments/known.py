"""Which environment variables mean something to the parts that are deployed."""

from __future__ import annotations

from prefect.settings import Settings
from prefect.settings.legacy import _get_settings_fields

__all__ = ["is_known_variable"]

_OURS = {"SECONDSITE_HOME", "SECONDSITE_JOURNAL", "SECONDSITE_PLANS"}
_OF_LIBPQ = {"PGPASSFILE"}
_OF_REDIS = {f"PREFECT_REDIS_MESSAGING_{name}" for name in ("HOST", "PORT", "DB")}


def is_known_variable(name: str) -> bool:
    """Whether Secondsite, Prefect of the locked version, its Redis part or libpq reads it."""
    of_prefect = {str(each) for each in _get_settings_fields(Settings) if str(each).isupper()}
    return name in _OURS | _OF_LIBPQ | _OF_REDIS | of_prefect
