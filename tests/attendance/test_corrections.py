import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from attendance.services.corrections import correct_session, void_session
from attendance.services.makeup import plan_makeup
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import once
from tests.campaigns.scene import at

pytestmark = pytest.mark.django_db


built, scene = once(Scene)


@pytest.fixture
def session(scene):
    session = scene.session(days=-5, topics=scene.topics(0))
    scene.mark(session, {scene.wang: "present", scene.li: "absent"})
    return session


def correct(scene, session, **changes):
    start = changes.pop("starts_at", session.starts_at)
    facts = {"title": session.title, "topics": scene.topics(0), "minutes": 120, **changes}
    return correct_session(
        actor=scene.north_organizer,
        session=session,
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        **facts,
    )


def test_a_corrected_topic_and_day_move_every_figure(scene, session):
    correct(scene, session, topics=scene.topics(1), starts_at=at(timezone.localdate() - timedelta(days=3)))
    standing = scene.entry(scene.wang).standing
    assert standing.topic_mask == scene.topics(1)[0].mask
    assert standing.trained_on == timezone.localdate() - timedelta(days=3)
    assert_derived_rows_are_true(scene.campaign)


def test_a_voided_session_counts_no_more(scene, session):
    void_session(actor=scene.north_organizer, session=session, reason="录错了")
    void_session(actor=scene.north_organizer, session=session, reason="录错了")
    assert scene.north_branch_unit.tally.trained == 0
    assert AuditEvent.objects.filter(action="session.voided").count() == 1
    assert_derived_rows_are_true(scene.campaign)


def test_a_recorded_session_is_not_moved_into_the_future(scene, session):
    with pytest.raises(Refused):
        correct(scene, session, starts_at=at(timezone.localdate() + timedelta(days=3)))


def test_a_correction_finds_the_units_of_an_audience_without_naming_everybody(scene, session):
    """A joint class of a district has more people than a statement takes parameters."""
    with CaptureQueriesContext(connection) as made:
        void_session(actor=scene.north_organizer, session=session, reason="录了两遍")
    chosen = r'SELECT "campaigns_unit"."id".* IN \(SELECT'
    units = [one["sql"] for one in made if re.match(chosen, one["sql"])]
    assert units and not [sql for sql in units if re.search(r"IN \(\d", sql)]


def test_only_the_hosts_scope_corrects(scene, session):
    with pytest.raises(Refused):
        void_session(actor=scene.south_organizer, session=session, reason="不归我管")


def test_a_make_up_class_expects_exactly_the_people_named(scene, session):
    li = scene.entry(scene.li)
    start = at(timezone.localdate() - timedelta(days=1))
    makeup = plan_makeup(
        actor=scene.north_organizer,
        unit=scene.north_unit,
        topics=scene.topics(0),
        entries=[li],
        title="补课",
        starts_at=start,
        ends_at=start + timedelta(hours=1),
    )
    assert makeup.round == "MAKE_UP"
    scene.mark(makeup, {scene.li: "present"})
    assert list(makeup.rows.values_list("entry", flat=True)) == [li.pk]
    li.standing.refresh_from_db()
    assert li.standing.makeup_mask == 0
    assert_derived_rows_are_true(scene.campaign)


def test_people_of_another_township_cannot_be_named_for_a_make_up_class(scene, session):
    start = at(timezone.localdate())
    with pytest.raises(Refused):
        plan_makeup(
            actor=scene.north_organizer,
            unit=scene.north_unit,
            topics=scene.topics(0),
            entries=[scene.entry(scene.sun)],
            title="补课",
            starts_at=start,
            ends_at=start + timedelta(hours=1),
        )


def test_the_page_corrects_and_voids_a_recorded_session(scene, session, client):
    client.force_login(scene.north_organizer)
    page = reverse("attendance:session_correct", args=[session.pk])
    detail = reverse("campaigns:session_detail", args=[session.pk])
    assert page in client.get(detail).content.decode() and client.get(page).status_code == 200
    day = timezone.localdate() - timedelta(days=3)
    sent = {"title": "改正的课", "topics": [scene.topics(1)[0].pk], "day": day, "minutes": 60}
    assert client.post(page, sent | {"starts": "11:00", "ends": "09:00"}).status_code == 422
    assert client.post(page, sent | {"starts": "09:00", "ends": "10:00"}).status_code == 302
    assert scene.entry(scene.wang).standing.trained_on == day
    client.post(reverse("attendance:session_void", args=[session.pk]), {"reason": "录了两遍"})
    session.refresh_from_db()
    assert session.voided_at and page not in client.get(detail).content.decode()
    assert_derived_rows_are_true(scene.campaign)
