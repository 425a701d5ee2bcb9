"""One act on many records: all or none, once, taken back where nothing changed since."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.models import AuditEvent, BulkAct, BulkChange, Member, Organization, User
from organizations.queries import member_history
from organizations.service import Refused
from organizations.services import bulk, bulk_accounts, members, organizations
from tests.base import Cast, fixture_writes, make_member, make_organization, once

pytestmark = pytest.mark.django_db
built, cast = once(Cast)


def change(cast, people, actor=None, key=None, **values):
    return bulk.change_many(
        actor=actor or cast.north_organizer,
        kind="member.change",
        ids=[one.pk for one in people],
        values=values or {"party_group": "二组"},
        request_uuid=key or uuid4(),
    )


def groups(*people):
    return [Member.objects.get(pk=one.pk).party_group for one in people]


def undo(cast, act, actor=None):
    return bulk.undo_act(actor=actor or cast.north_organizer, act=act)


def test_all_are_changed_and_the_audit_has_one_line(cast):
    act = change(cast, [cast.wang, cast.li, cast.qian])
    assert groups(cast.wang, cast.li, cast.qian) == ["二组"] * 3
    event = AuditEvent.objects.get()
    assert "3条党员" in event.summary and "党小组改为“二组”" in event.summary
    assert event.target_id == str(act.pk) and event.organization == cast.north


def test_the_same_page_sent_twice_is_one_act(cast):
    key = uuid4()
    first, second = change(cast, [cast.wang], key=key), change(cast, [cast.wang], key=key)
    assert first == second and groups(cast.wang) == ["二组"] and AuditEvent.objects.count() == 1


def test_the_same_key_with_another_selection_or_value_is_refused(cast):
    key = uuid4()
    change(cast, [cast.wang], key=key)
    for people, values in (([cast.wang, cast.li], {}), ([cast.wang], {"party_group": "九组"})):
        with pytest.raises(Refused, match="和那时不一样"):
            change(cast, people, key=key, **values)
    with pytest.raises(Refused, match="和那时不一样"):
        bulk_accounts.close_accounts(
            actor=cast.north_organizer, ids=[cast.north_recorder.pk], request_uuid=key
        )
    assert groups(cast.wang, cast.li) == ["二组", ""] and AuditEvent.objects.count() == 1


def test_undo_does_not_put_old_values_beside_what_came_since(cast):
    act = change(cast, [cast.wang, cast.li], is_floating=True)
    members.change_member(actor=cast.north_organizer, member=cast.li, floating_to="上海")
    assert undo(cast, act).left == ["李北乙（填了外出流向，就要同时是流动党员）"]
    cast.li.refresh_from_db()
    assert (cast.li.is_floating, cast.li.floating_to) == (True, "上海")
    members.change_member(actor=cast.north_organizer, member=cast.li, party_group="三组")


def test_organizations_are_held_in_the_order_of_every_other_write(cast):
    # Its path comes first, its key last.
    late = make_organization(cast.north, "HZ0103", "北新村党支部")
    found = bulk.fetch_organizations(cast.officer, [late.pk, cast.south_branch.pk])
    assert [one.pk for one in found] == [cast.south_branch.pk, late.pk]
    with CaptureQueriesContext(connection) as captured:
        organizations.move_organization(actor=cast.officer, organization=cast.north_branch, parent=cast.south)
    [held] = [query["sql"] for query in captured if " IN (" in query["sql"] and "~" in query["sql"]][:1]
    assert 'ORDER BY "organizations_organization"."id"' in held


def test_numbers_typed_into_a_value_stay_out_of_what_is_kept(cast):
    told = [{"field": "contact_person", "label": "联系人", "before": "", "after": "赵联13900001234"}]
    line = bulk.Line(cast.wang, cast.north_branch, {}, {}, told)
    with fixture_writes():
        act = bulk.keep(cast.officer, "member.change", "联系人改为“赵联13900001234”", uuid4(), [line], "")
    kept = f"{act.summary}{act.changes.get().told}{AuditEvent.objects.get().details}"
    assert "13900001234" not in kept and kept.count("139****34") == 3


def test_the_audit_says_what_stood_before_and_how_often(cast):
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(party_group="一组")
    change(cast, [cast.wang, cast.li, cast.zhao])
    told = AuditEvent.objects.get().details["changes"]
    assert [(one["label"], one["before"], one["after"]) for one in told] == [
        ("党小组（2条）", "", "二组"),
        ("党小组（1条）", "一组", "二组"),
    ]


def test_nothing_new_is_no_act(cast):
    change(cast, [cast.wang])
    assert change(cast, [cast.wang]) is None and BulkAct.objects.count() == 1


def test_one_outside_the_scope_refuses_all(cast):
    with pytest.raises(Refused, match="管理范围"):
        change(cast, [cast.wang, cast.sun])
    assert groups(cast.wang, cast.sun) == ["", ""] and not BulkAct.objects.exists()


def test_one_that_cannot_be_changed_is_named_and_refuses_all(cast):
    members.leave_member(
        actor=cast.north_organizer, member=cast.li, left_on=timezone.localdate(), reason="去世"
    )
    with pytest.raises(Refused, match="李北乙：已经登记离开"):
        change(cast, [cast.wang, cast.li])
    assert groups(cast.wang) == [""]


def test_five_hundred_at_once_and_not_one_more(cast):
    with pytest.raises(Refused, match="500"):
        bulk.change_many(
            actor=cast.officer,
            kind="member.change",
            ids=range(1, 502),
            values={"party_group": "二组"},
            request_uuid=uuid4(),
        )


def test_many_take_as_many_statements_as_few(cast, django_assert_max_num_queries):
    people = [make_member(cast.north_branch, f"众{number}") for number in range(60)]
    with django_assert_max_num_queries(12):
        change(cast, people)


def test_columns_nobody_offers_are_not_written(cast):
    with pytest.raises(TypeError):
        change(cast, [cast.wang], id_number="1")


def test_undo_puts_back_what_is_still_as_left_and_names_the_others(cast):
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(party_group="一组")
    act = change(cast, [cast.wang, cast.li])
    members.change_member(actor=cast.north_organizer, member=cast.li, party_group="三组")
    outcome = undo(cast, act)
    assert outcome.done == 1 and outcome.left == ["李北乙（后来又改过）"]
    assert groups(cast.wang, cast.li) == ["一组", "三组"]
    assert AuditEvent.objects.order_by("-pk").first().action == "bulk.undone"


def test_undo_twice_changes_nothing_the_second_time(cast):
    act = change(cast, [cast.wang])
    undo(cast, act)
    change(cast, [cast.wang])
    assert undo(cast, act).done == 0 and groups(cast.wang) == ["二组"]


def test_undo_is_for_oneself_for_a_day_and_inside_the_scope(cast):
    act = change(cast, [cast.wang])
    with pytest.raises(Refused, match="自己"):
        undo(cast, act, actor=cast.officer)
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(branch=cast.south_branch)
    assert undo(cast, act).left == ["王北甲（已经不归您管理）"]
    late = change(cast, [cast.li])
    with fixture_writes():
        BulkAct.objects.filter(pk=late.pk).update(at=timezone.now() - timedelta(hours=25))
    with pytest.raises(Refused, match="24小时"):
        undo(cast, late)


def test_the_history_beside_a_member_tells_both(cast):
    undo(cast, change(cast, [cast.wang]))
    told = [
        (step.summary, step.details["changes"][0]["after"])
        for step in member_history(cast.wang, cast.north_organizer)
    ]
    assert told == [("撤销批量办理（党小组）", ""), ("批量办理（党小组）", "二组")]
    assert member_history(cast.wang, cast.south_organizer) == []


def test_an_offices_telephone_is_changed_encrypted_and_put_back(cast):
    with fixture_writes():
        Organization.objects.filter(pk=cast.north_branch.pk).update(contact_phone="0518-1234567")
    act = bulk.change_many(
        actor=cast.north_organizer,
        kind="organization.change",
        ids=[cast.north_branch.pk, cast.north_other_branch.pk],
        values={"contact_name": "王书记", "contact_phone": "0518-7654321"},
        request_uuid=uuid4(),
    )
    kept = str([(row.before, row.after, row.told) for row in BulkChange.objects.all()])
    assert "1234567" not in kept and "7654321" not in kept and "王书记" in kept
    undo(cast, act)
    cast.north_branch.refresh_from_db()
    assert (cast.north_branch.contact_name, cast.north_branch.contact_phone) == ("", "0518-1234567")


def test_accounts_are_closed_together_and_that_is_final(cast):
    users = [cast.north_organizer, cast.south_organizer]
    ids = [user.pk for user in users]
    act = bulk_accounts.close_accounts(actor=cast.officer, ids=ids, request_uuid=uuid4())
    assert not User.objects.filter(pk__in=ids, is_active=True).exists()
    with pytest.raises(Refused, match="停用账号不能撤销"):
        undo(cast, act, actor=cast.officer)
    assert AuditEvent.objects.count() == 1


def test_passwords_are_reset_together_once(cast):
    ids, key = [cast.north_organizer.pk, cast.north_recorder.pk], uuid4()
    slips = bulk_accounts.reset_accounts(actor=cast.officer, ids=ids, request_uuid=key)
    for slip in slips:
        stored = User.objects.get(pk=slip.user.pk)
        assert stored.check_password(slip.password) and stored.must_change_password
    with pytest.raises(Refused, match="刚才已经重置过"):
        bulk_accounts.reset_accounts(actor=cast.officer, ids=ids, request_uuid=key)


def test_an_organizer_closes_nobody_above(cast):
    ids = [cast.north_recorder.pk, cast.officer.pk]
    with pytest.raises(Refused, match="管理范围"):
        bulk_accounts.close_accounts(actor=cast.north_organizer, ids=ids, request_uuid=uuid4())
    assert User.objects.get(pk=cast.north_recorder.pk).is_active
