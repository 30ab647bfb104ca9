"""The auth string of Prefect's server, for whoever starts the server or speaks to it.

It gets to Prefect through the environment of our processes, which is how Prefect hands it on to
the processes of flow runs; never through a command line.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping

from secondsite.home import home, plans_folder

__all__ = ["auth_environment", "auth_header"]

_OF_CLIENTS = "PREFECT_API_AUTH_STRING"
_OF_SERVER = "PREFECT_SERVER_API_AUTH_STRING"


def auth_environment(*, of_server: bool = False) -> Mapping[str, str]:
    """What makes clients of Prefect give the auth string, and a server ask for it.

    The environment goes before the estate (`prefect: auth:`). Empty if neither asks for one.

    Raises:
        CredentialError: the estate asks for one that cannot be had.
    """
    auth = os.environ.get(_OF_CLIENTS) or os.environ.get(_OF_SERVER) or _of_estate()
    if not auth:
        return {}
    return {_OF_CLIENTS: auth} | ({_OF_SERVER: auth} if of_server else {})


def auth_header() -> Mapping[str, str]:
    """The header with which Prefect's server lets a request in; empty if it needs none.

    Raises:
        CredentialError: the estate asks for one that cannot be had.
    """
    auth = auth_environment().get(_OF_CLIENTS)
    return {"Authorization": f"Basic {b64encode(auth.encode()).decode()}"} if auth else {}


def _of_estate() -> str:
    from secondsite.plan.credentials import read_secret
    from secondsite.plan.estate import Estate
    from secondsite.plan.loader import estate_file
    from secondsite.plan.yaml_source import read_model

    source = read_model(estate_file(plans_folder()), Estate)
    # An estate that is being edited must not keep people from deciding at a gate.
    estate = source.model or source.salvaged
    if estate is None or estate.prefect.auth is None:
        return ""
    what = "the auth string of Prefect's server"
    return read_secret(estate.prefect.auth, what=what, home=home()).get_secret_value()
