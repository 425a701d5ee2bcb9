import uuid
from datetime import date, timedelta

import pytest
from django.utils import timezone

from campaigns.models import Lecturer, SessionUnit, TrainingSession, Unit
from campaigns.services.freezing import freeze_unit, thaw_unit
from campaigns.services.registers import set_recorded
from campaigns.services.sessions import Plan, adjust_session, cancel_session, change_session
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.base import fixture_writes
from tests.campaigns.scene import at, make_campaign, make_session, unit_of


def plan_of(session, **changes):
    plan = {
        "title": session.title,
        "form": session.form,
        "starts_at": session.starts_at,
        "ends_at": session.ends_at,
        "units": [part.unit for part in session.parts.all()],
        "topics": list(session.topics.all()),
    }
    return Plan(**{**plan, **changes})


def test_a_branch_class_has_one_part_and_the_mask_of_its_topics(cast, campaign, branch):
    topics = list(campaign.topics.all()[1:3])
    session = make_session(cast.north_organizer, campaign, branch, topics=topics)
    assert [part.unit for part in session.parts.all()] == [branch]
    assert session.topic_mask == 0b110 and set(session.topics.all()) == set(topics)
    assert session.minutes == 120 and session.round == "FIRST"


def test_a_township_stands_for_its_branches(cast, campaign):
    north = unit_of(campaign, cast.north)
    session = make_session(cast.north_organizer, campaign, north)
    assert [part.unit.name for part in session.parts.all()] == ["北山村党支部", "北坡村党支部"]


def test_the_round_follows_the_form(cast, campaign, branch):
    assert make_session(cast.north_organizer, campaign, branch, form="HOME_TEACH").round == "HOME"
    assert make_session(cast.north_organizer, campaign, branch, form="MAKEUP").round == "MAKE_UP"


def test_the_same_sending_twice_gives_one_session(cast, campaign, branch):
    key = uuid.uuid4()
    first = make_session(cast.north_organizer, campaign, branch, request_uuid=key)
    again = make_session(cast.north_organizer, campaign, branch, request_uuid=key)
    assert first == again and TrainingSession.objects.count() == 1
    assert AuditEvent.objects.filter(action="session.plan").count() == 1


def test_the_same_key_with_other_facts_is_refused(cast, campaign, branch):
    key, other = uuid.uuid4(), unit_of(campaign, cast.north_other_branch)
    make_session(cast.north_organizer, campaign, branch, request_uuid=key, lecturer_names=["周讲师"])
    for facts in (
        {"title": "另一课"},
        {"days": 2},
        {"units": [branch, other]},
        {"topics": [campaign.topics.first()]},
        {"venue": "镇里"},
        {"lecturer_names": ["吴讲师"]},
        {"audience": "CATEGORY", "category": "FULL"},
    ):
        facts = {"lecturer_names": ["周讲师"], **facts}
        with pytest.raises(Refused, match="刚才已经安排好"):
            make_session(cast.north_organizer, campaign, branch, request_uuid=key, **facts)
    assert TrainingSession.objects.count() == 1


def test_a_frozen_unit_cancels_nothing(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    freeze_unit(actor=cast.officer, unit=unit_of(campaign, cast.north))
    with pytest.raises(Refused, match="确认上报"):
        cancel_session(actor=cast.north_organizer, session=session, reason="停电")
    session.refresh_from_db()
    assert session.cancelled_at is None


def test_text_too_long_for_its_column_is_refused_in_words(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    with pytest.raises(Refused, match="最多200个字"):
        cancel_session(actor=cast.north_organizer, session=session, reason="雪" * 201)
    with pytest.raises(Refused, match="主讲人姓名最多50个字"):
        make_session(cast.north_organizer, campaign, branch, lecturer_names=["讲" * 51])


def test_adjusting_starts_from_what_is_stored_now(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    page = TrainingSession.objects.get(pk=session.pk)
    adjust_session(actor=cast.north_organizer, session=session, venue="新地点")
    adjust_session(actor=cast.north_organizer, session=page, title="新名称")
    session.refresh_from_db()
    assert (session.venue, session.title) == ("新地点", "新名称")


def test_somebody_elses_key_is_not_answered(cast, campaign, branch):
    key = uuid.uuid4()
    make_session(cast.north_organizer, campaign, branch, request_uuid=key)
    with pytest.raises(Refused):
        south = unit_of(campaign, cast.south_branch)
        make_session(cast.south_organizer, campaign, south, request_uuid=key)


@pytest.mark.parametrize("host", ["south", "south_branch"])
def test_another_townships_unit_is_refused(cast, campaign, host):
    with pytest.raises(Refused, match="管理范围"):
        make_session(cast.north_organizer, campaign, unit_of(campaign, getattr(cast, host)))
    assert not TrainingSession.objects.exists()


def test_a_part_outside_the_scope_is_refused(cast, campaign, branch):
    units = [branch, unit_of(campaign, cast.south_branch)]
    with pytest.raises(Refused, match="南河村党支部"):
        make_session(cast.north_organizer, campaign, branch, units=units)


def test_a_recorder_and_an_inspector_plan_nothing(cast, campaign, branch):
    for user in (cast.north_recorder, cast.inspector):
        with pytest.raises(Refused):
            make_session(user, campaign, branch)


def test_a_day_outside_the_campaign_is_refused(cast, campaign, branch):
    with pytest.raises(Refused, match="冬训期间"):
        make_session(cast.north_organizer, campaign, branch, days=400)


def test_a_campaign_in_preparation_takes_no_sessions(cast):
    campaign = make_campaign(cast, opened=False)
    with fixture_writes():
        unit = Unit.objects.create(
            campaign=campaign,
            organization=cast.north_branch,
            name="x",
            kind="BRANCH",
            path=cast.north_branch.path,
            depth=3,
        )
    with pytest.raises(Refused, match="筹备"):
        make_session(cast.officer, campaign, unit)


def test_a_frozen_unit_takes_no_sessions_until_it_is_thawed(cast, campaign, branch):
    north = unit_of(campaign, cast.north)
    freeze_unit(actor=cast.officer, unit=north)
    with pytest.raises(Refused, match="确认上报"):
        make_session(cast.north_organizer, campaign, branch)
    thaw_unit(actor=cast.officer, unit=north)
    assert make_session(cast.north_organizer, campaign, branch)


def test_lecturers_are_found_above_or_become_the_hosts(cast, campaign, branch):
    with fixture_writes():
        known = Lecturer.objects.create(organization=cast.district, name="周讲师")
        Lecturer.objects.create(organization=cast.south, name="吴讲师")
    session = make_session(
        cast.north_organizer, campaign, branch, lecturer_names=["周讲师", "吴讲师", " 周讲师 ", ""]
    )
    assert known in session.lecturers.all() and session.lecturers.count() == 2
    assert session.lecturers.get(name="吴讲师").organization == cast.north_branch


def test_named_members_belong_to_their_part(cast, campaign, branch):
    session = make_session(
        cast.north_organizer, campaign, branch, audience="NAMED", named_members={branch.pk: [cast.wang]}
    )
    assert list(session.parts.get().named_members.all()) == [cast.wang]


def test_a_change_replaces_parts_and_keeps_those_that_stay(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    kept = session.parts.get()
    other = unit_of(campaign, cast.north_other_branch)
    change_session(actor=cast.north_organizer, session=session, plan=plan_of(session, units=[branch, other]))
    assert session.parts.count() == 2 and session.parts.filter(pk=kept.pk).exists()
    change_session(actor=cast.north_organizer, session=session, plan=plan_of(session, units=[other]))
    assert [part.unit for part in SessionUnit.objects.filter(session=session)] == [other]


def test_a_recorded_session_is_corrected_elsewhere(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    set_recorded(parts=session.parts.all())
    with pytest.raises(Refused, match="更正场次"):
        change_session(actor=cast.north_organizer, session=session, plan=plan_of(session, title="改名"))
    with pytest.raises(Refused, match="更正场次"):
        cancel_session(actor=cast.north_organizer, session=session, reason="下雪")


def test_cancelling_twice_is_harmless_and_the_reason_stays(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    cancel_session(actor=cast.north_organizer, session=session, reason="大雪封路")
    cancel_session(actor=cast.north_organizer, session=session, reason="别的")
    session.refresh_from_db()
    assert session.cancelled_at and session.void_reason == "大雪封路"


def test_another_township_cannot_cancel(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    with pytest.raises(Refused, match="其他单位主办"):
        cancel_session(actor=cast.south_organizer, session=session, reason="捣乱")


def test_the_end_must_follow_the_start(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    wrong = plan_of(session, ends_at=session.starts_at)
    with pytest.raises(Refused, match="晚于"):
        change_session(actor=cast.north_organizer, session=session, plan=wrong)


def test_a_class_of_many_days_is_refused(cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    wrong = plan_of(session, ends_at=session.starts_at + timedelta(days=2))
    with pytest.raises(Refused, match="12小时"):
        change_session(actor=cast.north_organizer, session=session, plan=wrong)


def test_the_day_is_read_in_local_time(cast, branch, campaign):
    day = campaign.ends_on
    late = at(day, 22)
    session = make_session(cast.north_organizer, campaign, branch)
    changed = change_session(
        actor=cast.north_organizer,
        session=session,
        plan=plan_of(session, starts_at=late, ends_at=late + timedelta(hours=1)),
    )
    assert timezone.localdate(changed.starts_at) == day and isinstance(day, date)
