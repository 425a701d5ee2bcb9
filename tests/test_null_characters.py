"""A NUL anywhere in an address or a form is a bad request, never a database error."""

import pytest
from django.urls import reverse

from tests.attendance.scene import Scene
from tests.base import once

pytestmark = pytest.mark.django_db

LISTS = ["organizations:member_list", "campaigns:session_list", "campaigns:service_list"]


built, cast = once(Scene)


@pytest.fixture
def scene(cast, client):
    client.force_login(cast.north_organizer)
    return cast


@pytest.mark.parametrize("name", LISTS)
def test_in_a_search(scene, client, name):
    assert client.get(reverse(name), {"q": "王\0"}).status_code == 400


def test_in_a_form(scene, client):
    session = scene.session()
    scene.mark(session, {scene.wang: "present"})
    answer = client.post(
        reverse("attendance:part_reopen", args=[session.pk]),
        {"part": session.parts.get().pk, "reason": "补\0登"},
    )
    assert answer.status_code == 400 and "没有保存任何东西" in answer.content.decode()
