"""People in the class who are no members: by name, by head count, in no figure of members."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import SessionTally, Standing, Tally
from attendance.services.closing import close_parts
from campaigns.models import HeadCount, Trainee
from campaigns.queries.trainees import others
from campaigns.services.trainees import count_heads, drop_trainee, note_trainees
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once, query_count

pytestmark = pytest.mark.django_db

built, scene = once(Scene)


@pytest.fixture
def session(scene):
    session = scene.session(topics=scene.topics(0))
    scene.mark(session, {scene.wang: "present"})
    return session


def note(scene, session, *names, **fields):
    values = {"actor": scene.north_organizer, "part": session.parts.get(), "category": "ACTIVIST"}
    return note_trainees(**values | {"names": names or ("周积极",), "request_uuid": uuid4()} | fields)


def page_of(client, scene, session, name="campaigns:session_trainees", user=None):
    client.force_login(user or scene.north_organizer, backend="organizations.backends.AccountBackend")
    return client.get(reverse(name, args=[session.pk]))


def test_names_and_heads_stand_side_by_side_and_are_never_added(client, scene, session):
    note(scene, session, "周积极", "吴积极")
    count_heads(actor=scene.north_organizer, part=session.parts.get(), heads={"ACTIVIST": 3, "RESIDENT": 12})
    lines = [(line.label, line.named, line.heads) for line in others(session.parts.all())]
    assert lines == [("入党积极分子", 2, 3), ("群众", 0, 12)]
    for name in ("campaigns:session_trainees", "campaigns:session_detail"):
        page = page_of(client, scene, session, name).content.decode()
        assert "有姓名的2人，现场清点3人" in page and "群众：现场清点12人" in page
        assert "不算进党员的任何数字" in page and "17" not in page.split("不算进")[0][-400:]
    assert "群众（现场清点12人）" in page_of(client, scene, session, "attendance:register").content.decode()


def test_no_figure_of_members_moves(scene, session):
    def figures():
        return [list(model.objects.order_by("pk").values()) for model in (Standing, SessionTally, Tally)]

    before = figures()
    note(scene, session)
    count_heads(actor=scene.north_organizer, part=session.parts.get(), heads={"RESIDENT": 500})
    assert figures() == before


def test_the_same_sending_adds_nobody_and_two_of_one_name_are_two(scene, session):
    request = uuid4()
    for _ in range(2):
        note(scene, session, "王群众", "王群众", request_uuid=request)
    for names, other in ((["赵群众"], {}), (["王群众"] * 2, {"category": "RESIDENT"})):
        with pytest.raises(Refused, match="没有保存"):
            note(scene, session, *names, request_uuid=request, **other)
    assert Trainee.objects.count() == 2
    assert AuditEvent.objects.filter(action="trainee.noted").count() == 1
    one = Trainee.objects.first()
    for _ in range(2):
        drop_trainee(actor=scene.north_organizer, trainee=one)
    assert [(line.named, line.heads) for line in others(session.parts.all())] == [(1, 0)]
    assert AuditEvent.objects.filter(action="trainee.dropped").count() == 1


def test_sent_again_after_the_sheet_was_finished_it_hears_what_it_heard_before(scene, session):
    request = uuid4()
    one, two = stored = note(scene, session, "王群众", "赵群众", request_uuid=request)
    drop_trainee(actor=scene.north_organizer, trainee=one)
    close_parts(actor=scene.north_organizer, session=session, rest="absent", batch=uuid4())
    assert note(scene, session, "王群众", "赵群众", request_uuid=request) == stored
    assert drop_trainee(actor=scene.north_organizer, trainee=one).dropped_at
    with pytest.raises(Refused, match="完成登记"):
        drop_trainee(actor=scene.north_organizer, trainee=two)


@pytest.mark.parametrize("lock", ["part", "frozen", "campaign", "foreign"])
def test_a_finished_reported_or_foreign_sheet_refuses(scene, session, lock):
    stored = note(scene, session)[0]
    actor = scene.south_organizer if lock == "foreign" else scene.north_organizer
    if lock == "part":
        close_parts(actor=scene.north_organizer, session=session, rest="absent", batch=uuid4())
    with fixture_writes():
        if lock == "frozen":
            scene.north_branch_unit.frozen_at = timezone.now()
            scene.north_branch_unit.save()
        if lock == "campaign":
            scene.campaign.stage = "CLOSED"
            scene.campaign.save()
    part = session.parts.get()
    for act in (
        lambda: note(scene, session, actor=actor),
        lambda: count_heads(actor=actor, part=part, heads={"RESIDENT": 1}),
        lambda: drop_trainee(actor=actor, trainee=stored),
    ):
        with pytest.raises(Refused):
            act()
    assert Trainee.objects.filter(dropped_at__isnull=True).count() == 1 and not HeadCount.objects.exists()


@pytest.mark.parametrize("heads", ["-1", "20001", "1e9", "NaN", "二", "1.5", "9" * 40, "1_0", "٣"])
def test_numbers_that_are_none_are_refused_with_a_sentence(client, scene, session, heads):
    client.force_login(scene.north_organizer, backend="organizations.backends.AccountBackend")
    url = reverse("campaigns:session_heads", args=[session.pk])
    sent = {"part": session.parts.get().pk, "heads_RESIDENT": heads}
    assert "群众的人数请填0到20000之间的数字" in client.post(url, sent, follow=True).content.decode()
    assert not HeadCount.objects.exists()


def test_the_page_writes_names_and_numbers(client, scene, session):
    client.force_login(scene.north_recorder, backend="organizations.backends.AccountBackend")
    part = session.parts.get().pk
    sent = {"part": part, "category": "RESIDENT", "names": "张甲、李乙\n王丙", "request_uuid": str(uuid4())}
    page = client.post(reverse("campaigns:session_trainees_add", args=[session.pk]), sent, follow=True)
    assert "王丙" in page.content.decode() and "有姓名的3人" in page.content.decode()
    full_width = {"part": part, "heads_GROWER": "１２"}
    page = client.post(reverse("campaigns:session_heads", args=[session.pk]), full_width, follow=True)
    assert "种养殖大户：现场清点12人" in page.content.decode()
    bad = client.post(
        reverse("campaigns:session_trainees_add", args=[session.pk]), sent | {"names": " "}, follow=True
    )
    assert "请写姓名" in bad.content.decode()
    one = Trainee.objects.first()
    drop = reverse("campaigns:session_trainee_drop", args=[session.pk])
    assert client.post(drop, {"trainee": 987654321}).status_code == 404
    assert f"删去了{one.name}" in client.post(drop, {"trainee": one.pk}, follow=True).content.decode()


def test_another_township_finds_nothing_and_an_inspector_only_reads(client, scene, session):
    assert page_of(client, scene, session, user=scene.south_organizer).status_code == 404
    page = page_of(client, scene, session, user=scene.inspector)
    assert "没有记过不是党员的人" in page.content.decode() and "记下人数" not in page.content.decode()
    url = reverse("campaigns:session_heads", args=[session.pk])
    assert client.post(url, {"part": session.parts.get().pk}).status_code == 404


def test_the_page_takes_no_more_queries_for_more_people(client, scene, session):
    note(scene, session)
    client.force_login(scene.north_organizer, backend="organizations.backends.AccountBackend")
    url = reverse("campaigns:session_trainees", args=[session.pk])
    one = query_count(client, url)
    note(scene, session, "甲", "乙", category="RESIDENT")
    assert query_count(client, url) == one
