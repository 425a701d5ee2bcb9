"""The one gate for writes.

A function that writes domain rows is declared with `@service`. It then runs in
a transaction, is listed in `REGISTRY` (tests enumerate it), and the test suite
refuses any write to our tables made outside one.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction

from organizations.refused import Refused as Refused

P = ParamSpec("P")
R = TypeVar("R")

REGISTRY: dict[str, Callable] = {}
_depth: ContextVar[int] = ContextVar("service_depth", default=0)


def is_inside_service() -> bool:
    return _depth.get() > 0


def is_blank(value: object) -> bool:
    """A text of nothing but signs nobody sees (blanks, zero-width, marks of direction): it says nothing."""
    if not isinstance(value, str):
        return False
    return not any(sign.isprintable() and not sign.isspace() for sign in value)


def service(function: Callable[P, R] | None = None, *, atomic: bool = True, audited: bool = True):
    """Declare a write service.

    `atomic=False` for services that open their own short transactions (jobs,
    bulk work in chunks); `audited=False` for bookkeeping that is not an act of
    a person (leases, derived rows, scheduled figures). A text given that is
    blank reaches the service as "": a reason of zero-width signs is no reason.
    """

    def declare(inner: Callable[P, R]) -> Callable[P, R]:
        @wraps(inner)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            token = _depth.set(_depth.get() + 1)
            try:
                for name, value in kwargs.items():
                    if is_blank(value):
                        kwargs[name] = ""
                if not atomic:
                    return inner(*args, **kwargs)
                with transaction.atomic():
                    return inner(*args, **kwargs)
            finally:
                _depth.reset(token)

        run.atomic, run.audited = atomic, audited  # type: ignore[attr-defined]
        REGISTRY[f"{inner.__module__}.{inner.__name__}"] = run
        return run

    return declare(function) if function else declare
