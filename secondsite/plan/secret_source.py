"""Where a secret is kept, as files name it: the secret itself never stands in one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from secondsite.plan.written import Written

__all__ = ["SecretSource"]

Name = Annotated[str, Field(min_length=1, max_length=255)]


class SecretSource(Written):
    """Where one secret is kept; exactly one of these. The secret itself is never in the file.

    Attributes:
        env: Name of an environment variable.
        file: Path of a file that only the engine's account may read; `{home}` stands for
            SECONDSITE_HOME. White space at its end does not count.
        prefect_block: Name of a Secret block on the Prefect server.
    """

    env: Name | None = None
    file: Name | None = None
    prefect_block: Name | None = None

    @model_validator(mode="after")
    def _is_one(self) -> SecretSource:
        given = [each for each in (self.env, self.file, self.prefect_block) if each is not None]
        if len(given) != 1:
            raise ValueError(
                "a secret has exactly one source: write {env: NAME}, {file: PATH} "
                "or {prefect_block: NAME}"
            )
        return self
