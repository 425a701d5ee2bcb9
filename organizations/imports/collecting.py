"""Python looks for cycles again and again while objects by the hundred thousand come to stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collecting() -> Iterator[None]:
    """A third of the time of a long roster goes into looking; nothing here makes cycles worth it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
