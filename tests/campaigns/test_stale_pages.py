"""INV-13: a page that lay open while somebody else saved does not write the old values back."""

import pytest
from django.urls import reverse

from campaigns.models import ServiceTask, TrainingSession
from campaigns.services.campaigns import change_campaign
from campaigns.services.sessions import adjust_session
from campaigns.services.topics import save_topics
from organizations.models import Member
from organizations.services.members import change_member
from organizations.services.organizations import change_organization
from tests.campaigns.scene import make_session, unit_of

STALE = "有人改过"


@pytest.fixture
def session(cast, campaign, branch):
    return make_session(cast.north_organizer, campaign, branch)


def fields_of(form):
    shown = {bound.name: bound.value() for bound in form}
    return {name: value for name, value in shown.items() if value not in (None, False)}


def pages(cast, campaign, session):
    """Each page that changes a record, and how a colleague changes that record meanwhile."""
    officer = cast.officer
    return {
        "member": (
            reverse("organizations:member_edit", args=[cast.wang.pk]),
            lambda: change_member(actor=officer, member=cast.wang, party_group="同事写的"),
        ),
        "organization": (
            reverse("organizations:organization_edit", args=[cast.north.pk]),
            lambda: change_organization(actor=officer, organization=cast.north, contact_name="同事写的"),
        ),
        "session": (
            reverse("campaigns:session_edit", args=[session.pk]),
            lambda: adjust_session(actor=officer, session=session, venue="同事写的"),
        ),
        "campaign": (
            reverse("campaigns:campaign_edit", args=[campaign.pk]),
            lambda: change_campaign(actor=officer, campaign=campaign, target_percent=91),
        ),
        "ledger_member": (
            reverse("admin:organizations_member_change", args=[cast.wang.pk]),
            lambda: change_member(actor=officer, member=cast.wang, party_group="同事写的"),
        ),
        "ledger_session": (
            reverse("admin:campaigns_trainingsession_change", args=[session.pk]),
            lambda: adjust_session(actor=officer, session=session, venue="同事写的"),
        ),
    }


def form_on(answer):
    return answer.context["adminform"].form if "adminform" in answer.context else answer.context["form"]


KINDS = ["member", "organization", "session", "campaign", "ledger_member", "ledger_session"]
# What is stored now beside what was sent (F30): one field each.
BOTH = dict.fromkeys(KINDS, "现在是“同事写的”，您填的是“”") | {
    "campaign": "参训率目标（%）：现在是“91”，您填的是“95”"
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_older_than_the_record_saves_nothing(client, cast, campaign, session, kind):
    client.force_login(cast.officer)
    url, colleague_saves = pages(cast, campaign, session)[kind]
    older = fields_of(form_on(client.get(url)))
    assert older["version"] in client.get(url).content.decode()
    colleague_saves()
    answer = client.post(url, older)
    page = answer.content.decode()
    assert answer.status_code == 409 and STALE in page and BOTH[kind] in page
    # The page shown again is as old as before: only a fresh one may be saved.
    assert STALE in client.post(url, fields_of(form_on(answer))).content.decode()
    fresh = client.post(url, fields_of(form_on(client.get(url))))
    assert fresh.status_code == 302, fresh.content.decode()


def test_an_older_programme_page_takes_no_topic_away(client, cast, campaign):
    client.force_login(cast.officer)
    url = reverse("campaigns:campaign_programme", args=[campaign.pk])
    forms = client.get(url).context["forms"]
    older = {"version": forms.version}
    for one in (forms.groups, forms.items, forms.topics):
        older |= {bound.html_name: bound.value() or "" for bound in one.management_form}
        older |= {
            bound.html_name: bound.value()
            for form in one
            for bound in form
            if bound.value() not in (None, False)
        }
    rows = [
        {"pk": t.pk, "name": t.name, "task": t.task_id, "is_compulsory": t.is_compulsory}
        for t in campaign.topics.all()
    ]
    new = {"name": "同事加的", "task": None, "is_compulsory": False}
    save_topics(actor=cast.officer, campaign=campaign, topics=[*rows, new])
    for sent in (older, {name: value for name, value in older.items() if name != "version"}):
        client.post(url, sent)
        assert campaign.topics.filter(name="同事加的").exists()
    assert STALE in client.post(url, older).content.decode()


def test_sending_a_new_record_of_the_ledger_twice_makes_one(client, cast, campaign, branch):
    client.force_login(cast.north_organizer)
    for model, url, typed in (
        (
            TrainingSession,
            reverse("admin:campaigns_trainingsession_add"),
            {
                "host": branch.pk,
                "title": "课",
                "form": campaign.forms.get(code="LECTURE").pk,
                "starts_at": f"{campaign.starts_on}T09:00",
                "ends_at": f"{campaign.starts_on}T11:00",
            },
        ),
        (
            ServiceTask,
            reverse("admin:campaigns_servicetask_add"),
            {"unit": unit_of(campaign, cast.north_branch).pk, "title": "修桥"},
        ),
    ):
        page = client.get(url)
        form = page.context["adminform"].form
        assert 'name="request_uuid"' in page.content.decode()
        sent = fields_of(form) | typed
        assert client.post(url, sent).status_code == 302
        assert client.post(url, sent).status_code == 302
        assert model.objects.count() == 1


def test_a_ledger_page_that_may_only_be_read_carries_nothing(client, cast):
    client.force_login(cast.inspector)
    page = client.get(reverse("admin:organizations_member_change", args=[cast.wang.pk]))
    assert page.status_code == 200 and 'name="version"' not in page.content.decode()
    assert Member.objects.get(pk=cast.wang.pk).name == "王北甲"


def test_the_same_page_sent_twice_finds_nothing_to_lose(client, cast, campaign, session):
    client.force_login(cast.officer)
    url = reverse("campaigns:session_edit", args=[session.pk])
    sent = fields_of(form_on(client.get(url))) | {"venue": "礼堂"}
    assert [client.post(url, sent).status_code for _ in range(2)] == [302, 302]


def test_both_values_are_shown_in_words(client, cast, campaign, session):
    """F30: a topic is its name, a tick is 是 or 否."""
    client.force_login(cast.officer)
    url = reverse("campaigns:session_edit", args=[session.pk])
    topic = campaign.topics.first()
    sent = fields_of(form_on(client.get(url))) | {"topics": [topic.pk], "is_theme_day": "on"}
    adjust_session(actor=cast.officer, session=session, venue="礼堂")
    answer = client.post(url, sent)
    page = answer.content.decode()
    assert answer.status_code == 409 and "地点：现在是“礼堂”，您填的是“”" in page
    assert f"您填的是“{topic.name}”" in page and "同时是主题党日：现在是“否”，您填的是“是”" in page
