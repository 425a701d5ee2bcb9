"""INV-16: of a campaign that is over nothing is written. Services are enumerated, not pages."""

import re
from functools import cache

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from attendance.models import Mark, MarkBatch
from attendance.services import hours, recount, recounting
from attendance.services.ending import close_campaign
from campaigns.models import Campaign
from campaigns.services import campaigns, freezing
from organizations.service import REGISTRY, Refused
from reports.services import daily
from tests.base import once
from tests.prying.acts import ACTS, FIRST
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db
built, winter = once(Winter)

# They may run: beside each what it does to a campaign that is over.
HARMLESS = {
    "attendance.services.ending.close_campaign": "it is closed already",
    "attendance.services.marks.record_marks": "the marks are kept, and wait",
    "attendance.services.sheet_readings.send_reading": "its marks are kept, and wait",
    "attendance.services.merging.merge_people": "the members become one; a closed campaign stays as reported",
    "attendance.services.moving.move_member": "the member moves, the roster stays",
    "attendance.services.moving.move_members": "the members move, the roster stays",
    "attendance.services.moving.accept_transfer": "the member moves, the roster stays",
    "attendance.services.moving.merge_branch": "the members move, the roster stays",
    "attendance.services.moving_several.move_several": "the members move, the roster stays",
    "attendance.services.moving_several.undo_move": "the members move back, the roster stays",
    "attendance.services.roster.open_campaign": "another campaign",
    "attendance.services.unlocking.let_in_waiting": "nothing is let in, it goes on waiting",
    "attendance.services.recount.rebuild": "derived rows are what they were; an update may fill new columns",
    "attendance.services.recounting.request_due": "asks for the recount an update needs",
    "attendance.services.hours.follow_rules": "a campaign that is over has nothing to follow",
    "campaigns.services.campaigns.create_campaign": "another campaign",
    "campaigns.services.lecturers.create_lecturer": "lecturers are kept across campaigns",
    "campaigns.services.lecturers.change_lecturer": "lecturers are kept across campaigns",
    "campaigns.services.lecturers.create_department": "departments are shared by all campaigns",
    "campaigns.services.lecturers.change_department": "departments are shared by all campaigns",
    "reports.services.reports.request_report": "reads",
    "reports.services.daily.request_evening": "reads",
    "reports.services.daily.write_daily": "keeps the evenings of open campaigns only",
}
# The way back: the one service that may change such a campaign.
REOPENING = "attendance.services.ending.reopen_campaign"
# Steps of other services, which hold the lock, have asked the stage and are tried here themselves.
STEPS = {
    "attendance.services.recounting.recount_campaign": "the job: follow_rules and rebuild",
    "attendance.services.sheet_readings.keep_reading": "what was read is kept for a day, no mark is stored",
    "attendance.services.sheet_readings.drop_expired": "forgets what was read a day ago",
    "campaigns.services.hours.set_worth": "of hours.follow_rules",
    "campaigns.services.people.hand_over": "of merge_people; open campaigns only",
    "campaigns.services.recounts.clear_recount_due": "of the job recount_campaign",
    "campaigns.services.registers.set_closed": "of closing and reopening a sheet",
    "campaigns.services.registers.set_counted_heads": "of record_marks",
    "campaigns.services.registers.set_facts": "of correcting and voiding",
    "campaigns.services.registers.set_part_heads": "of record_marks",
    "campaigns.services.registers.set_recorded": "of record_marks and closing",
    "campaigns.services.registers.set_unrecorded": "of undoing",
    "campaigns.services.stages.mark_closed": "of close_campaign",
    "campaigns.services.stages.mark_reopened": "of reopen_campaign",
    "campaigns.services.units.follow_organizations": "of adopt_tree",
}
# Services without an event of their own, called as their callers do.
BARE = {
    "attendance.services.hours.follow_rules": lambda w: hours.follow_rules(campaign=w.campaign),
    "attendance.services.recount.rebuild": lambda w: recount.rebuild(campaign=w.campaign),
    "attendance.services.recounting.request_due": lambda w: recounting.request_due(),
    "campaigns.services.campaigns.draw_units": lambda w: campaigns.draw_units(
        actor=w.officer, campaign=w.campaign
    ),
    "campaigns.services.campaigns.mark_open": lambda w: campaigns.mark_open(
        actor=w.officer, campaign=w.campaign
    ),
    "campaigns.services.freezing.freeze_unit": lambda w: freezing.freeze_unit(
        actor=w.officer, unit=w.north_unit
    ),
    "campaigns.services.freezing.thaw_unit": lambda w: freezing.thaw_unit(actor=w.officer, unit=w.north_unit),
    "reports.services.daily.request_evening": lambda w: daily.request_evening(),
    "reports.services.daily.write_daily": lambda w: daily.write_daily(day=timezone.localdate()),
}
# What waits for the reopening is kept.
KEPT = {MarkBatch, Mark}


def names() -> list[str]:
    """All of them. Organizations knows no campaign (import direction); the demo fills an empty house."""
    left = ("organizations.", "reports.demo.")
    return [name for name in REGISTRY if not name.startswith(left) and name not in FIRST]


@cache
def way_to_campaign(model, steps=4) -> str | None:
    """How every row of this model belongs to a campaign: the shortest way of foreign keys that are set."""
    if model is Campaign:
        return "pk"
    if steps == 0:
        return None
    ways = []
    for field in model._meta.concrete_fields:
        known = field.is_relation and not field.null
        if known and field.related_model._meta.app_label != "organizations":
            way = way_to_campaign(field.related_model, steps - 1)
            ways += [field.name if way == "pk" else f"{field.name}__{way}"] if way else []
    return min(ways, key=len, default=None)


def rows_of(campaign) -> dict:
    """Every row of the campaign, figures included."""
    found = {}
    for label in ("campaigns", "attendance", "reports"):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            if (way := way_to_campaign(model)) and model not in KEPT:
                rows = model.objects.filter(**{way: campaign.pk}).values_list()
                found[model._meta.label] = set(map(repr, rows))
    return found


def changed(before, after) -> list[str]:
    return [table for table in before if before[table] != after[table]]


WRITE = re.compile(
    r'^\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?((?:attendance|campaigns|reports)_\w+)', re.I
)


def on_closed(winter, name) -> tuple[str, list[str]]:
    """(why it was refused or "", the tables it changed). Rows are compared where it wrote at all."""
    code, wrote = run_on_closed(winter, name, lambda: None)
    if not wrote - {model._meta.db_table for model in KEPT}:
        return code, []
    return code, run_on_closed(winter, name, lambda: rows_of(winter.campaign))[1]


def run_on_closed(winter, name, look):
    prepare, perform = ACTS.get(name) or (lambda w: None, lambda w, _: BARE[name](w))
    code, wrote = "", set()

    def watch(execute, sql, params, many, context):
        if write := WRITE.match(str(sql)):
            wrote.add(write[1])
        return execute(sql, params, many, context)

    with transaction.atomic():
        ready = prepare(winter)
        close_campaign(actor=winter.officer, campaign=winter.campaign, reason="年终了")
        before = look()
        try:
            with connection.execute_wrapper(watch):
                perform(winter, ready)
        except Refused as refusal:
            code = refusal.code or "refused"
        after = look()
        transaction.set_rollback(True)
    return code, changed(before, after) if before else wrote


def test_every_service_is_refused_or_known_to_change_nothing(winter):
    known = {*ACTS, *BARE, *STEPS}
    assert set(names()) - known == set(), "say what the new service does to a campaign that is over"
    troubles = {}
    for name in names():
        if name in STEPS or name == REOPENING:
            continue
        code, tables = on_closed(winter, name)
        if tables or bool(code) == (name in HARMLESS):
            troubles[name] = (code, tables)
    assert troubles == {}


def test_the_comparison_sees_a_change(winter):
    before = rows_of(winter.campaign)
    assert (
        before["attendance.Attendance"] and before["campaigns.TrainingSession"] and before["campaigns.Unit"]
    )
    prepare, perform = ACTS["attendance.services.roster.set_waiver"]
    perform(winter, prepare(winter))
    assert set(changed(before, rows_of(winter.campaign))) >= {
        "attendance.Waiver",
        "attendance.RosterEntry",
        "attendance.Tally",
    }
