"""What a class is worth: by kind, day and rule; what somebody entered stays."""

from datetime import timedelta
from fractions import Fraction

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.forms.hours import HoursRuleForm
from campaigns.models import HoursKind, HoursRule, hours_kind
from campaigns.queries.hours import behind, exact_text, hours_text
from campaigns.services.campaigns import mark_open
from campaigns.services.freezing import freeze_unit
from campaigns.services.hours import set_hours_rule
from campaigns.services.sessions import adjust_session
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.base import fixture_writes, query_count
from tests.campaigns.scene import at, make_campaign, make_session, unit_of

pytestmark = pytest.mark.django_db


def today():
    return timezone.localdate()


def rule(cast, campaign, kind="OTHER", minutes=90, since=None, **more):
    facts = {"source": "区委组织部通知", **more}
    return set_hours_rule(
        actor=cast.officer, campaign=campaign, kind=kind, since=since or today(), minutes=minutes, **facts
    )


def planned(cast, campaign, **plan):
    host = unit_of(campaign, cast.north_branch)
    return make_session(cast.north_organizer, campaign, host, **plan)


@pytest.mark.parametrize(
    ("form", "hour", "minutes", "kind"),
    [
        ("LECTURE", 9, 300, "FULL_DAY"),
        ("LECTURE", 9, 299, "HALF_DAY"),
        ("LECTURE", 9, 150, "HALF_DAY"),
        ("LECTURE", 9, 149, "OTHER"),
        ("LECTURE", 18, 300, "EVENING"),
        ("LECTURE", 17, 120, "OTHER"),
        ("HOME_TEACH", 18, 30, "HOME"),
        ("SELF_STUDY", 9, 480, "SELF_STUDY"),
        ("ONLINE", 20, 60, "ONLINE"),
    ],
)
def test_the_kind_of_a_class_is_told_by_its_form_and_its_clock(form, hour, minutes, kind):
    starts_at = at(today(), hour)
    assert hours_kind(form, starts_at, starts_at + timedelta(minutes=minutes)) == kind


def test_a_new_campaign_counts_by_the_clock_and_says_where_that_is_from(cast, campaign):
    rules = HoursRule.objects.filter(campaign=campaign)
    assert {one.kind for one in rules} == set(HoursKind.values)
    assert {(one.minutes, one.most_minutes) for one in rules} == {(None, None)}
    assert all(one.source for one in rules)
    session = planned(cast, campaign)
    assert (session.minutes, session.hours_rule.kind) == (120, "OTHER")


def test_a_rule_proposes_minutes_from_its_day_on_and_never_before(cast, campaign):
    before, after = planned(cast, campaign, days=2), planned(cast, campaign, days=6)
    _, waiting = rule(cast, campaign, since=today() + timedelta(days=5))
    assert waiting == 1 and [one.session for one in behind(campaign.pk)] == [after.pk]
    assert planned(cast, campaign, days=7).minutes == 90
    assert planned(cast, campaign, days=4).minutes == 120
    campaign.refresh_from_db()
    assert campaign.recount_due_at is not None and before.minutes == 120


def test_minutes_somebody_entered_follow_no_rule(cast, campaign):
    rule(cast, campaign)
    typed = planned(cast, campaign, minutes=100)
    assert (typed.minutes, typed.hours_rule) == (100, None)
    assert rule(cast, campaign, minutes=45)[1] == 0
    moved = adjust_session(actor=cast.north_organizer, session=typed, title="改个名")
    assert (moved.minutes, moved.hours_rule) == (100, None)


def test_as_long_as_it_took_may_have_a_most(cast, campaign):
    rule(cast, campaign, minutes=None, most_minutes=100)
    assert planned(cast, campaign).minutes == 100


def test_another_time_asks_the_rules_again(cast, campaign):
    rule(cast, campaign, kind="EVENING", minutes=60)
    session = planned(cast, campaign)
    start = at(timezone.localdate(session.starts_at), 19)
    moved = adjust_session(
        actor=cast.north_organizer, session=session, starts_at=start, ends_at=start + timedelta(hours=2)
    )
    assert (moved.minutes, moved.hours_rule.kind) == (60, "EVENING")


def test_the_same_rule_again_changes_nothing_and_rows_are_never_edited(cast, campaign):
    first, _ = rule(cast, campaign)
    again, waiting = rule(cast, campaign)
    assert again == first and waiting == 0
    second, _ = rule(cast, campaign, minutes=80)
    assert HoursRule.objects.get(pk=first.pk).minutes == 90 and second != first
    assert AuditEvent.objects.filter(action="campaign.hours").count() == 2


def test_who_may_set_a_rule_and_what_is_refused(cast, campaign):
    with pytest.raises(Refused, match="主管"):
        set_hours_rule(
            actor=cast.north_organizer, campaign=campaign, kind="OTHER", since=today(), minutes=1, source="x"
        )
    wrong = [
        ({"minutes": 0}, "大于0"),
        ({"minutes": 721}, "12小时"),
        ({"minutes": 60, "most_minutes": 60}, "不用再写"),
        ({"since": campaign.starts_on - timedelta(days=1)}, "冬训期间"),
        ({"kind": "NIGHT"}, "哪种课"),
        ({"source": " "}, "依据"),
    ]
    for facts, words in wrong:
        with pytest.raises(Refused, match=words):
            rule(cast, campaign, **facts)
    assert HoursRule.objects.filter(campaign=campaign).count() == len(HoursKind)


def test_a_frozen_unit_refuses_a_rule_that_would_move_its_classes(cast, campaign):
    planned(cast, campaign, days=2)
    freeze_unit(actor=cast.officer, unit=unit_of(campaign, cast.north))
    with pytest.raises(Refused, match="锁定"):
        rule(cast, campaign)
    assert rule(cast, campaign, since=today() + timedelta(days=3))[1] == 0


def test_hours_are_entered_by_halves_up_to_twelve(campaign):
    def error_of(hours):
        data = {"kind": "FULL_DAY", "since": today(), "way": "FIXED", "hours": hours, "source": "通知"}
        form = HoursRuleForm(data, campaign=campaign)
        return form.as_service()["minutes"] if form.is_valid() else form.errors["hours"][0]

    for refused in ("-2", "0", "0.3", "25", "1e9", "NaN", "", "abc", "Infinity", "1e-30", "1_0", "٣"):
        assert isinstance(error_of(refused), str), refused
    assert (error_of("１.５"), error_of("8"), error_of("12")) == (68, 360, 540)


def test_what_is_not_reached_is_never_shown_as_reached():
    assert hours_text(1439, 45, 32) == "31.9" and hours_text(1440, 45, 32) == "32.0"
    assert hours_text(90, 45) == "2.0" and exact_text(Fraction(2, 3)) == "0.7"


def test_the_page_shows_rules_and_lets_the_officer_set_one(client, cast, campaign):
    page = reverse("campaigns:hours_rules", args=[campaign.pk])
    client.force_login(cast.north_organizer)
    assert "定一条新规则" not in client.get(page).content.decode()
    data = {
        "kind": "FULL_DAY",
        "since": today(),
        "way": "FIXED",
        "hours": "8",
        "source": "区委通知〔2026〕1号",
    }
    assert client.post(page, data).status_code == 403
    client.force_login(cast.officer)
    assert client.post(page, data | {"hours": "0.3"}).status_code == 422
    assert client.post(page, data).status_code == 302
    text = client.get(page).content.decode()
    assert "每场计8.0学时（360分钟）" in text and "区委通知〔2026〕1号" in text and "以前的1条" in text
    assert client.delete(page).status_code == 405
    few = query_count(client, page)
    rule(cast, campaign, minutes=30)
    rule(cast, campaign, minutes=60)
    assert query_count(client, page) == few


def test_the_rules_of_another_district_do_not_exist(client, cast, campaign):
    client.force_login(cast.auditor)
    assert client.get(reverse("campaigns:hours_rules", args=[campaign.pk])).status_code == 404


def test_a_closed_campaign_takes_no_rule(cast, campaign):
    with fixture_writes():
        campaign.stage = "CLOSED"
        campaign.save()
    with pytest.raises(Refused, match="已经结束"):
        rule(cast, campaign)


def test_days_before_the_first_rule_count_by_it(cast):
    campaign = make_campaign(cast, opened=False)
    with fixture_writes():
        campaign.hours_rules.update(since=today())
    session_of = mark_open(actor=cast.officer, campaign=campaign)
    assert behind(session_of.pk) == []
