"""The history beside a record shows what happened in the reader's scope or was done from it."""

import pytest
from django.urls import reverse

from campaigns.models import ProgrammeItem
from organizations.services import audit
from tests.base import fixture_writes
from tests.campaigns.scene import make_session, unit_of


@pytest.fixture
def joint(cast, campaign, branch):
    """A class of the district with a branch of the north and one of the south."""
    units = [branch, unit_of(campaign, cast.south_branch)]
    return make_session(cast.officer, campaign, unit_of(campaign, cast.district), units=units)


def happened(cast, who, target, summary, organization):
    with fixture_writes():
        audit.record(actor=who, action="test", summary=summary, target=target, organization=organization)


def pages(campaign, joint):
    yield reverse("campaigns:session_detail", args=[joint.pk]), joint
    yield reverse("campaigns:campaign_detail", args=[campaign.pk]), campaign
    yield reverse("admin:campaigns_trainingsession_history", args=[joint.pk]), joint
    yield reverse("admin:campaigns_campaign_history", args=[campaign.pk]), campaign


def test_neighbours_do_not_read_each_others_acts(client, cast, campaign, joint):
    client.force_login(cast.north_organizer)
    for url, record in pages(campaign, joint):
        happened(cast, cast.south_organizer, record, "金丝雀的登记", cast.south_branch)
        happened(cast, cast.officer, record, "替北山做的登记", cast.north_branch)
        happened(cast, cast.north_organizer, record, "自己做的一笔", cast.district)
        text = client.get(url).content.decode()
        assert "金丝雀的登记" not in text, url
        if "admin" in url:
            assert "替北山做的登记" in text and "自己做的一笔" in text


def test_the_level_above_reads_everything(client, cast, campaign, joint):
    client.force_login(cast.officer)
    for url, record in pages(campaign, joint):
        happened(cast, cast.south_organizer, record, "金丝雀的登记", cast.south_branch)
        assert "金丝雀的登记" in client.get(url).content.decode(), url


def test_cards_of_the_programme_have_their_history_too(client, cast, campaign):
    item = ProgrammeItem.objects.filter(group__campaign=campaign).first()
    happened(cast, cast.south_organizer, item, "金丝雀改了卡片", cast.south)
    client.force_login(cast.north_organizer)
    page = client.get(reverse("admin:campaigns_programmeitem_history", args=[item.pk]))
    assert "金丝雀改了卡片" not in page.content.decode()
