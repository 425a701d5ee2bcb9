import pytest

from tests.base import Cast, once
from tests.campaigns.scene import make_campaign, unit_of

built, cast = once(Cast)


@pytest.fixture
def campaign(cast):
    return make_campaign(cast)


@pytest.fixture
def branch(cast, campaign):
    """The northern branch's unit."""
    return unit_of(campaign, cast.north_branch)
