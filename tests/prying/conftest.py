from functools import lru_cache

import pytest

from tests.prying.forms import MOST_PAGES, gather
from tests.prying.walk import Pryer


@pytest.fixture(scope="module")
def forms(built):
    """`forms(actor)`: every form the account is shown, gathered once per file."""

    @lru_cache
    def of(actor, most=MOST_PAGES, alike=MOST_PAGES):
        return gather(Pryer(built, actor), most, alike)

    return of
