"""The base of everything that a person writes: frozen to the bottom, unknown keys are faults."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import core_schema

__all__ = ["FrozenDict", "FrozenMapping", "Written"]

K = TypeVar("K")
V = TypeVar("V")


class Written(BaseModel):
    """A part of a file that a person writes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FrozenDict(dict[K, V]):
    """A dict that cannot be changed, so that models can be shared, hashed and sent elsewhere."""

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("what was read from a plan or an estate cannot be changed")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict[K, V]:
        return self

    def __deepcopy__(self, _memo: object) -> FrozenDict[K, V]:
        return self

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        # Pydantic asks for it when it writes a default into a JSON Schema.
        return handler.generate_schema(dict)

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


def _freeze(values: dict[K, V]) -> FrozenDict[K, V]:
    return FrozenDict(values)


FrozenMapping = Annotated[dict[K, V], AfterValidator(_freeze)]
"""`FrozenMapping[str, str]`: a mapping of a model; its values must be frozen themselves."""
