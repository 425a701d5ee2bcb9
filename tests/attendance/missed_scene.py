"""Somebody who missed a class, and every form around the register that asks for a day."""

from datetime import timedelta
from uuid import uuid4

from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from attendance.models import RosterEntry
from attendance.services.makeup import plan_makeup
from attendance.services.recount import rebuild
from organizations.models import AuditEvent
from tests.attendance.scene import Scene
from tests.base import fixture_writes
from tests.campaigns.scene import at

OURS = ("organizations", "campaigns", "attendance", "reports")


class Missed(Scene):
    """Five days ago 王 came, 李 and 赵 did not; 李 is away."""

    def __init__(self):
        super().__init__()
        self.missed = self.session(days=-5, topics=self.topics(0), title="缺的课")
        self.mark(self.missed, {self.wang: "present", self.li: ("absent", ""), self.zhao: ("leave", "ILL")})
        with fixture_writes():
            RosterEntry.objects.filter(member=self.li).update(is_floating=True)
            rebuild(campaign=self.campaign)


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


def day(days):
    return timezone.localdate() + timedelta(days=days)


def counts():
    """How many rows each table of ours holds, but for the audit and logins."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    return {model.__name__: model.objects.count() for model in models if model is not AuditEvent}


def makeup_of(scene, member, days=0, hour=9, hours=2, topics=None):
    start = at(day(days), hour)
    return plan_makeup(
        actor=scene.north_organizer,
        unit=scene.north_branch_unit,
        topics=topics or scene.topics(0),
        entries=[scene.entry(member)],
        title="补一课",
        starts_at=start,
        ends_at=start + timedelta(hours=hours),
    )


def forms_of(scene):
    """{name: (address, what a person would send)}: every page around the register that asks for a day."""
    entry, topic = scene.entry(scene.li).pk, scene.topics(0)[0].pk
    ask = {"request_uuid": str(uuid4())}
    taught = {"entry": entry, "topics": [topic], "starts": "09:00"}
    campaign = [scene.campaign.pk]
    return {
        "leave": (
            reverse("attendance:entry_leave_set", args=[entry]),
            ask | {"reason": "ILL", "since": day(1).isoformat(), "until": day(2).isoformat()},
        ),
        "waiver": (
            reverse("attendance:waiver_set", args=[entry]),
            {"reason": "OLD_AGE", "since": day(0).isoformat()},
        ),
        "contact": (
            reverse("attendance:entry_contact", args=[entry]),
            ask | {"how": "PHONE", "day": day(0).isoformat()},
        ),
        "home": (
            reverse("attendance:home_lesson", args=campaign),
            ask | taught | {"teacher": "老书记", "day": day(0).isoformat(), "minutes": "60"},
        ),
        "makeup": (
            reverse("attendance:makeup_new", args=campaign),
            ask | taught | {"round": "MAKE_UP", "day": day(0).isoformat(), "ends": "11:00"},
        ),
        "correct": (
            reverse("attendance:session_correct", args=[scene.missed.pk]),
            {
                "title": "缺的课",
                "topics": [topic],
                "day": day(-4).isoformat(),
                "starts": "09:00",
                "ends": "11:00",
            },
        ),
        "move": (
            reverse("attendance:member_move", args=[scene.li.pk]),
            {"to_branch": scene.north_other_branch.pk, "day": day(0).isoformat()},
        ),
    }


DATED = ["leave", "waiver", "contact", "home", "makeup", "correct", "move"]
