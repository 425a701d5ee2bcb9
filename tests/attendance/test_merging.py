"""One person on the list twice: after merging they count once, and everything they did is theirs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from attendance.models import Attendance, Mark, RosterChange, RosterStay, SessionTally, Waiver
from attendance.queries.merging import merge_plans
from attendance.services import exclusively, merging
from attendance.services.adopting import adopt_differences
from attendance.services.closing import close_parts, reopen_part
from attendance.services.judging import MarkInput
from attendance.services.marks import record_marks, undo_batch
from attendance.services.merging import merge_people
from attendance.services.moving import move_member
from attendance.services.recount import differences
from attendance.services.roster import set_waiver
from campaigns.models import SessionUnit
from campaigns.services.freezing import freeze_unit
from organizations.models import AuditEvent, Member
from organizations.service import Refused
from tests.attendance.life_scene import rows_copy_their_session, stays_are_one_line
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, once
from tests.races.truth import lost_marks


class TwinScene(Scene):
    """王北甲 stands on the list of the branch twice; 钱北丁 of the other branch once more in the first."""

    def __init__(self):
        super().__init__()
        self.wang_twice = make_member(self.north_branch, "王北甲")
        self.qian_twice = make_member(self.north_branch, "钱北丁")
        adopt_differences(actor=self.officer, unit=self.district_unit)
        with fixture_writes():
            RosterStay.objects.update(since=self.campaign.starts_on)
            self.campaign.entries.update(joined_on=self.campaign.starts_on)

    def merge(self, winner, loser, actor=None, chosen=()):
        done = merge_people(actor=actor or self.north_organizer, winner=winner, loser=loser, chosen=chosen)
        assert_true(self.campaign)
        return done

    def counted(self, unit=None):
        return (unit or self.north_branch_unit).tally


def assert_true(campaign):
    assert differences(campaign=campaign) == []
    assert_derived_rows_are_true(campaign)
    stays_are_one_line(campaign)
    rows_copy_their_session(campaign)
    assert lost_marks(campaign) == []


built, scene = once(TwinScene)


def row_of(scene, session, member):
    return Attendance.objects.get(session=session, entry=scene.entry(member))


def test_whoever_was_marked_twice_in_one_class_counts_once_and_present_beats_absent(scene):
    session = scene.session(topics=scene.topics(0))
    scene.mark(session, {scene.wang: "absent", scene.wang_twice: "present", scene.li: "present"})
    before = SessionTally.objects.get(session=session)
    assert (before.expected, before.attended, before.absent) == (5, 2, 1)
    assert scene.merge(scene.wang, scene.wang_twice)
    after = SessionTally.objects.get(session=session)
    assert (after.expected, after.attended, after.absent, after.unmarked) == (4, 2, 0, 2)
    row = row_of(scene, session, scene.wang)
    assert (row.status, row.version) == ("present", 2)
    assert not Attendance.objects.filter(entry=scene.entry(scene.wang_twice)).exists()
    tally = scene.north_branch_unit.tally
    assert (tally.members, tally.trained) == (4, 2)
    # Both stay readable: what was marked, and that it was merged.
    told = Mark.objects.filter(entry=scene.entry(scene.wang)).order_by("pk")
    assert [(mark.before_status, mark.status) for mark in told][-1] == ("absent", "present")
    gone = Mark.objects.filter(entry=scene.entry(scene.wang_twice)).order_by("pk")
    assert [mark.status for mark in gone] == ["present", "unmarked"]


@pytest.mark.parametrize(
    ("mine", "theirs", "stands"),
    [
        ("present", "absent", "present"),
        ("absent", "late", "late"),
        ("leave", "absent", "leave"),
        ("absent", "leave", "leave"),
        ("online", "present", "online"),
        ("unmarked", "absent", "absent"),
    ],
)
def test_of_two_marks_the_better_stands(scene, mine, theirs, stands):
    session = scene.session()
    scene.mark(session, {scene.wang: mine, scene.wang_twice: theirs})
    scene.merge(scene.wang, scene.wang_twice)
    assert row_of(scene, session, scene.wang).status == stands


def test_classes_only_one_record_attended_are_all_the_persons(scene):
    here = scene.session(topics=scene.topics(0))
    there = scene.session(host=scene.north_other_unit, topics=scene.topics(1))
    scene.mark(here, {scene.qian_twice: "present"})
    scene.mark(there, {scene.qian: "present"})
    [plan] = merge_plans(scene.qian, scene.qian_twice)
    assert (plan.gained, plan.shared, plan.withdrawn) == (1, 0, 0)
    scene.merge(scene.qian, scene.qian_twice)
    standing = scene.entry(scene.qian).standing
    standing.refresh_from_db()
    assert standing.attended == 2 and standing.unit_id == scene.north_other_unit.pk


def test_a_row_nobody_marked_in_a_branch_the_person_never_belonged_to_is_withdrawn(scene):
    """The register of the wrong branch expects one fewer."""
    session = scene.session()
    scene.mark(session, {scene.li: "present"})
    assert SessionTally.objects.get(session=session).expected == 5
    scene.merge(scene.qian, scene.qian_twice)
    assert SessionTally.objects.get(session=session).expected == 4


def test_the_headcount_falls_by_one_and_the_list_of_changes_says_why(scene):
    total = sum(unit.tally.members for unit in (scene.north_branch_unit, scene.north_other_unit))
    scene.merge(scene.qian, scene.qian_twice)
    for unit in (scene.north_branch_unit, scene.north_other_unit):
        unit.tally.refresh_from_db()
        total -= unit.tally.members
    assert total == 1
    loser = scene.entry(scene.qian_twice)
    assert loser.merged_into == scene.entry(scene.qian) and loser.left_on == timezone.localdate()
    change = RosterChange.objects.get(entry=loser, kind="MERGED")
    assert change.by == scene.north_organizer and change.unit == scene.north_branch_unit


def test_merging_is_one_act_that_says_what_stands_and_again_changes_nothing(scene):
    session = scene.session(title="学党章")
    scene.mark(session, {scene.wang: "absent", scene.wang_twice: "present"})
    before = AuditEvent.objects.count()
    assert scene.merge(scene.wang, scene.wang_twice) is True
    assert AuditEvent.objects.count() == before + 1
    told = AuditEvent.objects.latest("pk").details["changes"]
    [line] = [one for one in told if one["label"].startswith("学党章")]
    assert (line["before"], line["after"]) == ("缺席；另一条出席", "出席")
    events, marks = AuditEvent.objects.count(), Mark.objects.count()
    assert scene.merge(scene.wang, scene.wang_twice) is False
    assert (AuditEvent.objects.count(), Mark.objects.count()) == (events, marks)


def test_an_entry_only_the_other_record_has_follows_the_person(scene):
    fresh = make_member(scene.north_branch, "李北乙")
    session = scene.session()
    scene.mark(session, {scene.li: "present"})
    entry = scene.entry(scene.li)
    scene.merge(fresh, scene.li)
    assert scene.entry(fresh) == entry and entry.standing.attended == 1
    assert Member.objects.get(pk=scene.li.pk).merged_into == fresh


def test_not_required_holds_for_the_person_whichever_record_says_so(scene):
    day = timezone.localdate() - timedelta(days=3)
    set_waiver(actor=scene.officer, entry=scene.entry(scene.wang_twice), reason="OLD_AGE", since=day)
    scene.merge(scene.wang, scene.wang_twice)
    entry = scene.entry(scene.wang)
    assert entry.required is False
    assert [(w.since, w.set_by) for w in Waiver.objects.filter(entry=entry)] == [(day, scene.officer)]
    told = scene.entry(scene.wang).changes.order_by("pk").last()
    assert told.kind == RosterChange.Kind.WAIVED


def test_a_visitor_who_was_expected_under_the_other_record_is_no_visitor(scene):
    session = scene.session()
    scene.mark(session, {scene.li: "present"})
    scene.mark(session, {scene.qian: "present"})
    assert row_of(scene, session, scene.qian).part == "VISITOR"
    scene.merge(scene.qian, scene.qian_twice)
    row = row_of(scene, session, scene.qian)
    assert (row.part, row.status, row.round) == ("EXPECTED", "present", "FIRST")
    tally = SessionTally.objects.get(session=session)
    assert (tally.expected, tally.attended, tally.visitors) == (5, 2, 0)


def test_who_stays_had_left_the_roster_the_other_is_on_it(scene):
    move_member(
        actor=scene.officer, member=scene.qian, to_branch=scene.north_branch, day=timezone.localdate()
    )
    scene.merge(scene.qian_twice, scene.qian)
    entry = scene.entry(scene.qian_twice)
    since = {(stay.unit_id, stay.since) for stay in entry.stays.all()}
    assert entry.left_on is None and (scene.north_branch_unit.pk, scene.campaign.starts_on) in since


def test_a_frozen_branch_refuses_by_name_and_nothing_is_changed(scene):
    freeze_unit(actor=scene.officer, unit=scene.north_other_unit)
    with pytest.raises(Refused, match="北坡村党支部") as refusal:
        scene.merge(scene.qian, scene.qian_twice)
    assert refusal.value.code == "frozen"
    assert Member.objects.get(pk=scene.qian_twice.pk).merged_into is None


def test_every_unit_whose_people_sheets_or_tasks_change_is_locked_first(scene, monkeypatch):
    """Both homes, and the host on whose sheet a visitor stands; the plan is made after that."""
    session = scene.session(host=scene.south_branch_unit)
    scene.mark(session, {scene.qian_twice: "present"}, actor=scene.officer)
    told = []
    lock, plans = exclusively.lock_units, merging.merge_plans
    monkeypatch.setattr(exclusively, "lock_units", lambda ids: told.append(set(ids)) or lock(ids))
    monkeypatch.setattr(merging, "merge_plans", lambda *pair: told.append("plan") or plans(*pair))
    scene.merge(scene.qian, scene.qian_twice)
    units = scene.north_branch_unit, scene.north_other_unit, scene.south_branch_unit
    assert told == [{unit.pk for unit in units}, "plan"]


def test_a_closed_campaign_stays_as_it_was(scene):
    with fixture_writes():
        scene.campaign.stage = "CLOSED"
        scene.campaign.save()
        scene.campaign.entries.update(is_open=False)
    tally = scene.north_branch_unit.tally.members
    scene.merge(scene.wang, scene.wang_twice)
    scene.north_branch_unit.tally.refresh_from_db()
    assert scene.north_branch_unit.tally.members == tally
    assert scene.entry(scene.wang_twice).merged_into is None


def test_marks_that_wait_for_unlocking_are_settled_first(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "present"})
    close_parts(actor=scene.officer, session=session, rest="absent", batch=uuid4())
    scene.mark(session, {scene.wang_twice: "present"})
    with pytest.raises(Refused, match="等着解锁") as refusal:
        scene.merge(scene.wang, scene.wang_twice)
    assert refusal.value.code == "held"
    reopen_part(actor=scene.officer, part=SessionUnit.objects.get(session=session), reason="补登")
    scene.merge(scene.wang, scene.wang_twice)


def test_nobody_is_marked_any_more_under_the_record_that_gave_way(scene):
    """A page opened before the merge, an undo, a phone that comes back late."""
    session = scene.session()
    sent = scene.mark(session, {scene.wang: "absent", scene.wang_twice: "present"})
    scene.merge(scene.wang, scene.wang_twice)
    late = [MarkInput(scene.entry(scene.wang_twice).pk, "present", 1)]
    answer = record_marks(
        actor=scene.officer, session=session, batch=uuid4(), marks=late, body_sha256="0" * 64
    )
    assert [(mark.outcome, mark.code) for mark in answer.marks] == [("rejected", "unknown")]
    undone = undo_batch(actor=scene.north_organizer, batch=sent.batch, uuid=uuid4())
    assert {mark.outcome for mark in undone.marks} == {"rejected", "conflict"}
    merging = Mark.objects.filter(batch__kind="merge").first()
    with pytest.raises(Refused):
        undo_batch(actor=scene.officer, batch=merging.batch, uuid=uuid4())
    assert_true(scene.campaign)


def test_people_named_for_a_make_up_class_are_named_by_the_record_that_stays(scene):
    member = scene.wang_twice
    session = scene.session(
        days=2, audience="NAMED", named_members={scene.north_branch_unit.pk: [member, scene.li]}
    )
    scene.merge(scene.wang, member)
    named = set(SessionUnit.objects.get(session=session).named_members.all())
    assert named == {scene.wang, scene.li}


def test_two_records_of_two_places_are_merged_by_the_level_that_holds_both(scene):
    there = make_member(scene.south_branch, "王北甲")
    for actor in (scene.north_organizer, scene.south_organizer):
        with pytest.raises(Refused, match="上级"):
            merge_people(actor=actor, winner=scene.wang, loser=there)
    assert scene.merge(scene.wang, there, actor=scene.officer)


def test_the_number_moves_to_the_record_that_stays_and_what_both_know_is_chosen(scene):
    with fixture_writes():
        scene.wang_twice.phone, scene.wang_twice.phone_digest = "13900001234", "x"
        scene.wang_twice.phone_tail, scene.wang_twice.id_digest = "1234", "y"
        scene.wang_twice.id_number, scene.wang_twice.category = "320706197001011234", "PROBATIONARY"
        scene.wang_twice.is_floating, scene.wang_twice.floating_to = True, "苏州"
        scene.wang_twice.save()
    scene.merge(scene.wang, scene.wang_twice, chosen=["is_floating"])
    winner, loser = Member.objects.get(pk=scene.wang.pk), Member.objects.get(pk=scene.wang_twice.pk)
    assert (winner.id_number, winner.phone_tail, winner.category) == ("320706197001011234", "1234", "FULL")
    assert (winner.is_floating, winner.floating_to) == (True, "苏州")
    assert (loser.id_digest, loser.phone_tail, loser.left_reason) == ("", "", "重复登记，已合并")
    event = AuditEvent.objects.get(action="member.merged")
    assert "320706" not in str(event.details) and "王北甲" in event.summary
