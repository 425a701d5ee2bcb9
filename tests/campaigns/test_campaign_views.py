import pytest
from django.urls import reverse

from campaigns.models import Campaign, Topic
from organizations.models import Role
from tests.base import make_user
from tests.campaigns.scene import make_campaign


@pytest.fixture
def officer(client, cast):
    client.force_login(cast.officer)
    return client


def facts(cast, **changes):
    values = {
        "organization": cast.district.pk,
        "label": "2026—2027年度党员冬训",
        "starts_on": "2026-12-01",
        "ends_on": "2027-03-15",
        "kind": "REGULAR",
        "preset": "siwuliu",
        "target_percent": 95,
        "trained_rule": "ANY",
        "hours_member": 32,
        "hours_secretary": 56,
        "hours_candidate": 24,
        "minutes_per_hour": 45,
        "makeup_days": 30,
        "contact_days": 30,
    }
    return {**values, **changes}


def page_fields(page, **changes):
    """What a browser would send back from step 2."""
    forms = page.context["forms"]
    fields = {}
    for formset in (forms.groups, forms.items, forms.topics):
        for form in (formset.management_form, *formset):
            for bound in form:
                value = bound.value()
                if value not in (None, False):
                    fields[bound.html_name] = value
    return {**fields, **changes}


def test_step_one_shows_defaults_with_their_sources_and_leads_to_step_two(officer, cast):
    page = officer.get("/campaigns/new/").content.decode()
    assert "参训率达95%以上" in page and "不少于32学时" in page
    answer = officer.post("/campaigns/new/", facts(cast))
    campaign = Campaign.objects.get()
    assert answer.url == reverse("campaigns:campaign_programme", args=[campaign.pk])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ends_on": "2026-11-01"}, "ends_on"),
        ({"target_percent": "0"}, "target_percent"),
        ({"label": ""}, "label"),
    ],
)
def test_a_wrong_fact_is_said_at_its_field(officer, cast, changes, field):
    answer = officer.post("/campaigns/new/", facts(cast, **changes))
    assert answer.status_code == 422 and field in answer.context["form"].errors


def test_the_same_label_is_said_at_the_label(officer, cast):
    officer.post("/campaigns/new/", facts(cast))
    assert "已经有了" in officer.post("/campaigns/new/", facts(cast)).context["form"].errors["label"][0]


def test_only_officers_make_campaigns(client, cast):
    client.force_login(cast.north_organizer)
    assert client.get("/campaigns/new/").status_code == 404
    assert client.post("/campaigns/new/", facts(cast)).status_code == 404


def test_an_officer_does_not_make_one_for_the_level_above(client, cast):
    client.force_login(make_user("north_officer", cast.north, Role.OFFICER))
    assert client.post("/campaigns/new/", facts(cast)).status_code == 422
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("name", ["campaign_edit", "campaign_programme"])
def test_a_townships_officer_does_not_change_the_districts(client, cast, campaign, name):
    client.force_login(make_user("north_officer", cast.north, Role.OFFICER))
    assert client.get(reverse(f"campaigns:{name}", args=[campaign.pk])).status_code == 404


def test_step_two_renames_adds_and_removes(officer, cast):
    campaign = make_campaign(cast, opened=False)
    address = reverse("campaigns:campaign_programme", args=[campaign.pk])
    page = officer.get(address)
    task = campaign.topics.first().task
    answer = officer.post(
        address,
        page_fields(
            page,
            **{
                "groups-0-name": "四到位",
                "items-0-name": "领导到位",
                "topics-7-remove": "on",
                "topics-8-name": "消防安全",
                "topics-8-task": task.pk,
                "topics-8-is_compulsory": "on",
            },
        ),
    )
    assert answer.url == reverse("attendance:roster_draw", args=[campaign.pk])
    assert campaign.groups.first().name == "四到位"
    assert campaign.groups.first().items.first().name == "领导到位"
    added = Topic.objects.get(name="消防安全")
    assert added.bit == 8 and added.is_compulsory and added.task == task
    assert campaign.topics.count() == 8


def test_two_topics_of_one_name_change_nothing(officer, cast):
    campaign = make_campaign(cast, opened=False)
    address = reverse("campaigns:campaign_programme", args=[campaign.pk])
    name = campaign.topics.first().name
    answer = officer.post(
        address, page_fields(officer.get(address), **{"topics-8-name": name, "items-0-name": "改"})
    )
    assert answer.status_code == 422 and "写了两遍" in answer.content.decode()
    assert campaign.groups.first().items.first().name == "组织领导到位"


def test_settings_are_changed_and_shown(officer, campaign):
    address = reverse("campaigns:campaign_edit", args=[campaign.pk])
    form = officer.get(address).context["form"]
    fields = {bound.name: bound.value() for bound in form} | {"target_percent": 98}
    assert officer.post(address, fields).status_code == 302
    page = officer.get(reverse("campaigns:campaign_detail", args=[campaign.pk])).content.decode()
    assert "98%" in page and "主办单位自定" in page


def test_everybody_below_sees_the_campaign_and_its_sources(client, cast, campaign):
    client.force_login(cast.north_recorder)
    page = client.get(reverse("campaigns:campaign_detail", args=[campaign.pk])).content.decode()
    assert "必训" in page and "改设置" not in page
    assert "进行中" in client.get("/campaigns/").content.decode()


def test_a_townships_own_campaign_is_not_the_neighbours(client, cast, campaign):
    north_officer = make_user("north_officer", cast.north, Role.OFFICER)
    client.force_login(north_officer)
    client.post("/campaigns/new/", facts(cast, organization=cast.north.pk, label="北山镇自办"))
    own = Campaign.objects.get(label="北山镇自办")
    client.force_login(cast.south_organizer)
    assert client.get(reverse("campaigns:campaign_detail", args=[own.pk])).status_code == 404
    assert "北山镇自办" not in client.get("/campaigns/").content.decode()


@pytest.mark.parametrize("name", ["campaign_detail", "board", "board_branches"])
def test_reading_pages_refuse_post(officer, campaign, name):
    assert officer.post(reverse(f"campaigns:{name}", args=[campaign.pk])).status_code == 405


def test_an_auditor_sees_no_campaign(client, cast, campaign):
    client.force_login(cast.auditor)
    assert client.get(reverse("campaigns:campaign_detail", args=[campaign.pk])).status_code == 404
