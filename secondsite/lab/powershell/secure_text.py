"""`[securestring]` and `[pscredential]`: secrets that nothing of the lab shows."""

from __future__ import annotations

from secondsite.lab.powershell.text_form import to_text

__all__ = ["Credential", "SecureText"]


class SecureText:
    """`[System.Security.SecureString]`; as text it is the name of its type, as on Windows."""

    type_name = "System.Security.SecureString"

    def __init__(self) -> None:
        self._characters: list[str] = []
        self.is_read_only = False

    def __str__(self) -> str:
        return self.type_name

    def __repr__(self) -> str:
        return self.type_name

    def __len__(self) -> int:
        return len(self._characters)

    def append(self, character: object) -> None:
        """One more character."""
        self._characters.append(to_text(character))

    def reveal(self) -> str:
        """The secret: for whoever checks a log-on."""
        return "".join(self._characters)


class Credential:
    """`[System.Management.Automation.PSCredential]`."""

    type_name = "System.Management.Automation.PSCredential"

    def __init__(self, username: str, password: SecureText) -> None:
        self.username = username
        self.password = password

    def __str__(self) -> str:
        return self.type_name

    def __repr__(self) -> str:
        return self.type_name
