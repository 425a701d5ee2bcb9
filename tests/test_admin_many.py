"""办理 from a list: who exactly, done once, taken back; and lists as files."""

import io

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from campaigns.models import ServiceTask, TrainingSession
from organizations import admin_sheets
from organizations.models import AuditEvent, BulkAct, Member, Organization, User
from organizations.queries.search import FEW
from organizations.services import members
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db
built, scene = once(Scene)


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def ledger(scene, client):
    client.force_login(scene.north_organizer)
    return client


def ask(client, model, act, *records, query=""):
    """The page an entry of the list leads to."""
    data = {"action": act, ACTION_CHECKBOX_NAME: [one.pk for one in records], "index": 0}
    return client.post(url(model, "changelist") + query, data)


def answer(client, page, **values):
    """That page sent off, as a browser would."""
    sent = {"act": page.context["act"].name, "back": page.context["back"]}
    sent["key"] = page.context["form"].initial["key"]
    sent[ACTION_CHECKBOX_NAME] = [record.pk for record, _, _ in page.context["lines"]]
    return client.post(page.context["many_url"], sent | values)


def test_the_page_says_who_exactly_and_what_they_are_now(scene, ledger):
    with fixture_writes():
        Member.objects.filter(pk=scene.wang.pk).update(party_group="一组")
    page = ask(ledger, Member, "set_group", scene.wang, scene.li)
    shown = page.content.decode()
    assert "改党小组：2条" in shown and "王北甲" in shown and "李北乙" in shown and "赵北丙" not in shown
    assert "北山村党支部" in shown and "现在：一组" in shown and "可以一次撤销" in shown
    assert not BulkAct.objects.exists()


def test_it_is_done_once_however_often_sent_and_comes_back_to_the_list(scene, ledger):
    page = ask(ledger, Member, "set_group", scene.wang, scene.li, query="?q=北")
    done = answer(ledger, page, party_group="二组")
    answer(ledger, page, party_group="二组")
    assert done.headers["Location"] == f"{url(Member, 'changelist')}?q=%E5%8C%97"
    assert BulkAct.objects.count() == 1
    assert Member.objects.filter(party_group="二组").count() == 2


def test_the_message_leads_to_the_way_back(scene, ledger):
    page = ask(ledger, Member, "set_group", scene.wang)
    shown = ledger.get(answer(ledger, page, party_group="二组").headers["Location"]).content.decode()
    act = BulkAct.objects.get()
    assert "撤销刚才这次" in shown and url(BulkAct, "change", act.pk) in shown
    assert "撤销这次办理" in ledger.get(url(BulkAct, "change", act.pk)).content.decode()
    back = ledger.post(url(BulkAct, "undo", act.pk), follow=True).content.decode()
    assert "恢复了1条" in back and "已撤销" in back
    assert Member.objects.get(pk=scene.wang.pk).party_group == ""


def test_undo_names_who_was_changed_since(scene, ledger):
    answer(ledger, ask(ledger, Member, "set_group", scene.wang, scene.li), party_group="二组")
    members.change_member(actor=scene.north_organizer, member=scene.li, party_group="三组")
    back = ledger.post(url(BulkAct, "undo", BulkAct.objects.get().pk), follow=True).content.decode()
    assert "1条没有动：李北乙（后来又改过）" in back


def test_a_refusal_stands_on_the_page_and_nothing_is_done(scene, ledger):
    page = ask(ledger, Member, "set_group", scene.wang, scene.li)
    with fixture_writes():
        Member.objects.filter(pk=scene.li.pk).update(left_on="2026-11-01")
    done = answer(ledger, page, party_group="二组")
    assert done.status_code == 422 and "李北乙：已经登记离开" in done.content.decode()
    assert not BulkAct.objects.exists() and not Member.objects.filter(party_group="二组").exists()


def test_a_forged_record_among_them_is_no_page(scene, ledger):
    page = ask(ledger, Member, "set_group", scene.wang)
    sent = {ACTION_CHECKBOX_NAME: [scene.wang.pk, scene.sun.pk], "party_group": "二组"}
    assert answer(ledger, page, **sent).status_code == 404
    assert answer(ledger, page, **{ACTION_CHECKBOX_NAME: []}).status_code == 404
    assert not BulkAct.objects.exists()


def test_who_only_reads_is_offered_files_only(scene, client):
    client.force_login(scene.inspector)
    shown = client.get(url(Member, "changelist")).content.decode()
    assert "export_chosen" in shown and "set_group" not in shown
    sent = {"act": "set_group", ACTION_CHECKBOX_NAME: [scene.wang.pk]}
    assert client.post(url(Member, "many"), sent).status_code == 404


def test_no_longer_floating_clears_where_to(scene, ledger):
    answer(ledger, ask(ledger, Member, "set_floating", scene.wang), is_floating="1", floating_to="苏州")
    answer(ledger, ask(ledger, Member, "set_floating", scene.wang, scene.li), is_floating="0")
    wang = Member.objects.get(pk=scene.wang.pk)
    assert (wang.is_floating, wang.floating_to) == (False, "")


def test_people_are_moved_with_their_roster_and_back(scene, ledger):
    page = ask(ledger, Member, "transfer", scene.wang, scene.li)
    done = answer(ledger, page, to_branch=scene.north_other_branch.pk, day="2026-11-20")
    assert done.status_code == 302, done.content.decode()
    assert scene.entry(scene.wang).unit == scene.north_other_unit
    ledger.post(url(BulkAct, "undo", BulkAct.objects.get().pk))
    assert scene.entry(scene.wang).unit == scene.north_branch_unit


def test_every_other_act_is_done_from_its_page(scene, ledger):
    with fixture_writes():
        task = ServiceTask.objects.create(campaign=scene.campaign, unit=scene.north_branch_unit, title="修路")
    coming = scene.session(scene.north_branch_unit, days=2)
    cases = [
        (Member, scene.wang, "set_home_bound", {"is_home_bound": "1"}),
        (Member, scene.wang, "set_category", {"category": "PROBATIONARY"}),
        (Organization, scene.north_branch, "set_contact", {"contact_name": "王书记"}),
        (ServiceTask, task, "set_owner", {"owner_id": scene.wang.pk}),
        (ServiceTask, task, "set_deadline", {"deadline": "2099-01-01"}),
        (TrainingSession, coming, "cancel", {"reason": "大雪"}),
        (User, scene.north_recorder, "close", {}),
        (User, scene.north_recorder, "reset", {}),
    ]
    for model, record, name, values in cases:
        done = answer(ledger, ask(ledger, model, name, record), **values)
        assert done.status_code == 302, (name, done.content.decode())
    assert BulkAct.objects.count() == len(cases)
    # The last one leads on to the slip, once.
    slip = ledger.get(reverse("organizations:account_slip")).content.decode()
    assert "recorder" in slip and AuditEvent.objects.filter(action="bulk.account.reset").exists()
    listed = ledger.get(url(BulkAct, "changelist")).content.decode()
    assert "可以撤销" in listed and "停用账号不能撤销" in listed and "取消了的场次不能恢复" in listed


def test_a_reset_sent_again_leads_to_the_slips_of_the_first(scene, ledger):
    page = ask(ledger, User, "reset", scene.north_recorder)
    for _ in range(2):
        assert answer(ledger, page).headers["Location"] == reverse("organizations:account_slip")
    slip = ledger.get(reverse("organizations:account_slip")).content.decode()
    assert slip.count('class="slip"') == 1
    # Shown once: from then on the paper counts.
    again = answer(ledger, page)
    assert again.status_code == 422 and "用那时打印的开通条" in again.content.decode()


def test_a_search_for_people_stands_behind_the_fence(scene, ledger):
    with CaptureQueriesContext(connection) as captured:
        shown = ledger.get(url(Member, "changelist"), {"q": "王北"}).content.decode()
    assert "王北甲" in shown and "李北乙" not in shown
    assert any(f"LIMIT {FEW}" in query["sql"] for query in captured)


# --- Files -------------------------------------------------------------------------------------
def sheet(response):
    rows = load_workbook(io.BytesIO(response.content)).active.iter_rows()
    return [[cell.value for cell in row] for row in rows], response


def test_the_file_holds_what_the_list_shows_masked_and_as_text(scene, ledger):
    with fixture_writes():
        Member.objects.filter(pk=scene.wang.pk).update(party_group="=1+1")
        wang = Member.objects.get(pk=scene.wang.pk)
        wang.phone, wang.phone_tail = "13900001234", "1234"
        wang.save()
    rows, response = sheet(ledger.get(url(Member, "export"), {"q": "王北"}))
    assert rows[0][:3] == ["姓名", "所在党支部", "党小组"] and rows[0][-1] == "手机"
    assert rows[1][:3] == ["王北甲", "北山村党支部", "'=1+1"] and rows[1][-1] == "139****1234"
    assert len(rows) == 2 and b"<f>" not in response.content
    event = AuditEvent.objects.get(action="ledger.exported")
    assert "党员（王北），1行" in event.summary


def test_telephones_of_offices_leave_with_their_ends_only(scene, client):
    with fixture_writes():
        Organization.objects.filter(pk=scene.north_branch.pk).update(contact_phone="13900001234")
    client.force_login(scene.inspector)
    rows, _ = sheet(client.get(url(Organization, "export"), {"q": "HZ0101"}))
    assert rows[0][4] == "联系电话" and rows[1][4] == "139****1234"


def test_only_the_ticked_rows_go_into_the_other_file(scene, ledger):
    rows, _ = sheet(ask(ledger, Member, "export_chosen", scene.li))
    assert [row[0] for row in rows] == ["姓名", "李北乙"]


def test_more_rows_than_fit_are_to_be_filtered_first(scene, ledger, monkeypatch):
    monkeypatch.setattr(admin_sheets, "MOST_ROWS", 2)
    shown = ledger.get(url(Member, "export"), follow=True).content.decode()
    assert "超过2行，一次导不完" in shown and not AuditEvent.objects.filter(action="ledger.exported").exists()


# --- Numbers -----------------------------------------------------------------------------------
def test_full_numbers_are_shown_once_for_a_reason_that_is_kept(scene, ledger):
    with fixture_writes():
        scene.wang.phone = "13900001234"
        scene.wang.save()
    where = url(Member, "reveal", scene.wang.pk)
    assert "13900001234" not in ledger.get(where).content.decode()
    refused = ledger.post(where, {"reason": "看"})
    assert refused.status_code == 422 and "13900001234" not in refused.content.decode()
    shown = ledger.post(where, {"reason": "核对介绍信"})
    assert "13900001234" in shown.content.decode() and "no-store" in shown.headers["Cache-Control"]
    assert "核对介绍信" in AuditEvent.objects.get(action="member.revealed").summary


def test_who_only_reads_never_sees_them(scene, client):
    client.force_login(scene.inspector)
    where = url(Member, "reveal", scene.wang.pk)
    assert client.get(where).status_code == 404
    assert client.post(where, {"reason": "核对介绍信"}).status_code == 404
