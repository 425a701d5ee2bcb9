"""The ledger speaks our users' Chinese: no constraint's name, none of Django's phrases."""

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.urls import reverse

from campaigns.models import Campaign, ProgrammeItem, Topic, TrainingSession
from organizations.models import Member, Organization
from tests.attendance.scene import Scene
from tests.base import once

pytestmark = pytest.mark.django_db
WRITTEN = [model for model, one in admin.site._registry.items() if one.create_service or one.change_service]
built, scene = once(Scene)


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def ledger(scene, client):
    client.force_login(scene.north_organizer)
    return client


@pytest.mark.parametrize("model", WRITTEN, ids=lambda model: model._meta.label)
def test_no_constraint_says_its_name_on_a_page(scene, model, rf, monkeypatch):
    """Every constraint of every model here, broken: whatever the form then says is a sentence."""
    request = rf.get("/")
    request.user = scene.officer
    form = admin.site.get_model_admin(model).get_form(request, None, change=False)(data={})
    for constraint in model._meta.constraints:

        def broken(*args, name=constraint.name, **kwargs):
            raise ValidationError(f"约束 ‘{name}’ 是无效的", code="x")

        monkeypatch.setattr(constraint, "validate", broken)
    form.full_clean()
    said = " ".join(str(error) for errors in form.errors.values() for error in errors)
    assert all(constraint.name not in said for constraint in model._meta.constraints)
    assert "无效的" not in said and (said or not model._meta.constraints)


def test_an_end_before_the_start_is_told_beside_the_end(ledger, scene):
    day = scene.campaign.starts_on
    data = {"title": "倒着开的课", "starts_at": f"{day}T11:00", "ends_at": f"{day}T09:00"}
    data |= {"host": scene.north_branch.pk, "round": "FIRST", "venue": "村部"}
    answer = ledger.post(url(TrainingSession, "add"), data)
    form = answer.context["adminform"].form
    assert form.errors["ends_at"] == ["结束时间要晚于开始时间。"]
    shown = answer.content.decode()
    assert "campaigns_session" not in shown and "有几处要改，见下面。" in shown and "请更正" not in shown


def test_a_taken_code_and_the_empty_choice_are_told_plainly(ledger, scene):
    data = {"parent": scene.north.pk, "code": scene.north_branch.code, "name": "新村", "kind": "BRANCH"}
    shown = ledger.post(url(Organization, "add"), data).content.decode()
    assert "这个代码已经有党组织在用，请换一个。" in shown and "已存在" not in shown
    for model in (Organization, Member, TrainingSession):
        page = ledger.get(url(model, "add")).content.decode()
        assert "---------" not in page and "—</option>" in page


def test_the_list_asks_for_ticks_and_acts_in_our_words(ledger, scene):
    page = ledger.get(url(Member, "changelist")).content.decode()
    assert "已勾选 0 个" in page and "中 0 个被选" not in page
    answer = ledger.post(url(Member, "changelist"), {"action": "set_group", "index": 0}, follow=True)
    assert "先勾选要办的" in answer.content.decode()
    ticked = {"action": "", "index": 0, "_selected_action": scene.wang.pk}
    assert "请选要办什么" in ledger.post(url(Member, "changelist"), ticked, follow=True).content.decode()
    words = ledger.get(reverse("admin:jsi18n")).content.decode()
    assert "\\u5df2\\u52fe\\u9009 %(sel)s \\u4e2a" in words or "已勾选 %(sel)s 个" in words


def test_what_is_saved_is_said_to_be_saved(ledger, scene):
    data = {"name": "王北甲", "category": "FULL", "party_group": "二组"}
    shown = ledger.post(url(Member, "change", scene.wang.pk), data, follow=True).content.decode()
    assert "已保存党员“" in shown and "成功修改" not in shown


def test_a_new_member_is_told_where_the_numbers_are_entered(ledger, scene):
    data = {"branch": scene.north_branch.pk, "name": "刘新来", "category": "FULL"}
    shown = ledger.post(url(Member, "add"), data, follow=True).content.decode()
    page = reverse("organizations:member_edit", args=[Member.objects.get(name="刘新来").pk])
    assert f'身份证号和手机请<a href="{page}">在工作台登记</a>' in shown


def test_the_front_page_promises_no_change_of_what_the_officer_decides(client, scene):
    words = {}
    for user in (scene.officer, scene.north_organizer):
        client.force_login(user)
        apps = client.get(reverse("admin:index")).context["app_list"]
        words[user] = {model["model"]: model["view_only"] for app in apps for model in app["models"]}
    for model in (Campaign, ProgrammeItem, Topic):
        assert words[scene.north_organizer][model] and not words[scene.officer][model]
    assert not words[scene.north_organizer][TrainingSession]


def test_fields_that_must_be_filled_are_marked(ledger):
    """Django marks their labels; the style sheet writes 必填 behind."""
    assert 'class="required"' in ledger.get(url(Member, "add")).content.decode()
    assert "label.required::after" in (settings.BASE_DIR / "static/css/admin.css").read_text()
