"""名册 and 考勤 in the ledger: readable in scope, written nowhere."""

import pytest
from django.urls import reverse

from attendance.models import Attendance
from tests.attendance.scene import Scene
from tests.base import once

pytestmark = pytest.mark.django_db


def build():
    scene = Scene()
    scene.mark(scene.session(), {scene.wang: "absent"})
    return scene


built, scene = once(build)


def pages(scene):
    row = Attendance.objects.get(entry__member=scene.wang)
    return [
        (reverse("admin:attendance_rosterentry_changelist"), None),
        (reverse("admin:attendance_attendance_changelist"), None),
        (reverse("admin:attendance_rosterentry_change", args=[row.entry_id]), row),
        (reverse("admin:attendance_attendance_change", args=[row.pk]), row),
    ]


def as_user(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def test_the_own_township_reads_rosters_and_rows(client, scene):
    as_user(client, scene.north_organizer)
    for where, _ in pages(scene):
        page = client.get(where)
        assert page.status_code == 200
        assert "王北甲" in page.content.decode() and "金丝雀" not in page.content.decode()
        assert 'name="_save"' not in page.content.decode()


def test_the_other_township_finds_nothing(client, scene):
    as_user(client, scene.south_organizer)
    for where, row in pages(scene):
        page = client.get(where)
        assert page.status_code == (404 if row else 200)
        assert "王北甲" not in page.content.decode()


def test_nobody_adds_changes_or_deletes_here(client, scene):
    as_user(client, scene.officer)
    for model in ("rosterentry", "attendance"):
        assert client.get(reverse(f"admin:attendance_{model}_add")).status_code == 403
    for where, row in pages(scene):
        if row:
            assert client.post(where, {}).status_code == 403
            assert client.post(where.replace("change", "delete"), {"post": "yes"}).status_code == 403
