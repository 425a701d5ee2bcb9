"""The demo: invented, repeatable, consistent, and it leaves other data alone."""

import hashlib
import io
import json
import re
from datetime import date

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from attendance.models import Attendance, RosterStay, Standing, Waiver
from attendance.services.recount import differences
from campaigns.models import (
    Campaign,
    HeadCount,
    ServiceTask,
    SessionUnit,
    Stage,
    Trainee,
    TrainingSession,
)
from organizations.fields import digest
from organizations.models import AuditEvent, Member, Organization, Role, User
from organizations.names import initials
from reports.demo import bulk, load
from reports.demo.people import FACTORS
from reports.demo.tree import Tree, step
from reports.models import DailyFigure
from tests.base import fixture_writes, make_organization

MEMBERS = 300
CARE_PAGES = ("makeup/", "home/?state=wish", "home/?state=taught", "contacts/?state=old", "leaves/", "heads/")
DOUBT_PAGES = ("doubts/?kind=GONE",)  # of the others chance decides
TODAY = date(2026, 12, 15)


def run(*arguments: str) -> dict:
    out = io.StringIO()
    call_command(
        "load_demo", "--members", str(MEMBERS), "--json", *arguments, stdout=out, stderr=io.StringIO()
    )
    return json.loads(out.getvalue())


def fingerprint() -> str:
    """Everything a reader could notice, without keys the database gave and without salted ciphertext."""
    rows = [
        Organization.objects.values_list("path", "code", "name", "numchild"),
        Member.objects.order_by("pk").values_list("pk", "name", "birth_date", "branch__code", "id_digest"),
        TrainingSession.objects.order_by("pk").values_list("pk", "title", "starts_at", "host__path"),
        SessionUnit.objects.order_by("pk").values_list("pk", "session", "unit__path", "recorded_at"),
        Attendance.objects.order_by("session", "entry__member").values_list(
            "session", "entry__member", "status", "reason", "minutes", "part"
        ),
        Standing.objects.order_by("campaign__starts_on", "entry__member").values_list(
            "entry__member", "trained_on", "topic_mask", "why"
        ),
        ServiceTask.objects.order_by("pk").values_list("pk", "title", "state", "owner", "resolved_on"),
        DailyFigure.objects.order_by("unit__path", "day").values_list("unit__path", "day", "values"),
    ]
    return hashlib.sha256(repr([list(found) for found in rows]).encode()).hexdigest()


def share_trained(campaign: Campaign) -> float:
    due = Standing.objects.filter(campaign=campaign, required=True)
    return due.filter(trained_on__isnull=False).count() / due.count()


def assert_id_number(member: Member) -> None:
    body, check = member.id_number[:17], member.id_number[17]
    assert member.id_number.startswith("3299"), "no place has this area code"
    assert body[6:14] == f"{member.birth_date:%Y%m%d}"
    assert int(body[16]) % 2 == (member.sex == "M")
    assert check == "10X98765432"[sum(int(d) * f for d, f in zip(body, FACTORS, strict=True)) % 11]


class DemoTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        load.load(demo=load.Demo(MEMBERS, 7, TODAY), say=lambda text: None)

    def test_every_member_is_in_a_sound_tree(self):
        assert Member.objects.count() == MEMBERS
        assert Organization.objects.find_problems() == ([], [], [], [], [])
        branches = Organization.objects.branches().annotate(people=Count("members"))
        assert branches.count() == 12
        assert all(branch.people for branch in branches)

    def test_every_derived_row_is_what_a_recount_gives(self):
        for campaign in Campaign.objects.all():
            assert differences(campaign=campaign) == []

    def test_one_winter_is_over_and_reached_its_target_the_other_is_in_full_swing(self):
        last, this = Campaign.objects.order_by("starts_on")
        assert (last.label, last.stage) == ("2025—2026年度党员冬训", Stage.CLOSED)
        assert (this.label, this.stage) == ("2026—2027年度党员冬训", Stage.OPEN)
        assert share_trained(last) > 0.95
        assert 0.75 < share_trained(this) < 0.95
        assert not last.entries.filter(is_open=True).exists()

    def test_registers_show_what_happens_in_life(self):
        this = Campaign.objects.get(stage=Stage.OPEN)
        parts = SessionUnit.objects.filter(session__campaign=this)
        assert parts.filter(recorded_at__isnull=True, session__starts_at__date__lt=TODAY).exists()
        assert parts.filter(session__starts_at__date__gt=TODAY).exists()
        assert not parts.filter(recorded_at__isnull=False, session__starts_at__date__gte=TODAY).exists()
        assert {"present", "leave", "absent", "unmarked", "late"} <= set(
            Attendance.objects.filter(session__campaign=this).values_list("status", flat=True)
        )
        assert TrainingSession.objects.filter(campaign=this, round="HOME").exists()
        assert Waiver.objects.filter(entry__campaign=this).exists()

    def test_nobody_is_expected_before_joining_or_on_two_sheets(self):
        for session, joined, held in Attendance.objects.values_list("session", "entry__joined_on", "held_on"):
            assert joined <= held, session
        named = SessionUnit.objects.filter(audience="NAMED")
        assert not named.annotate(people=Count("named_members")).filter(people=0).exists()

    def test_people_are_invented(self):
        for member in Member.objects.all():
            assert re.fullmatch(r"(142\d{8})?", member.phone)
            assert member.initials == initials(member.name)
            assert member.id_digest == digest(member.id_number)
            if member.id_number:
                assert_id_number(member)

    def test_past_evenings_never_know_more_than_today(self):
        this = Campaign.objects.get(stage=Stage.OPEN)
        evenings = list(DailyFigure.objects.filter(unit__path="0001").order_by("day"))
        trained = [evening.values["RATE_DUE"]["n"] for evening in evenings]
        assert trained == sorted(trained)
        assert len(evenings) == 14
        now = Standing.objects.filter(campaign=this, required=True, trained_on__lt=TODAY)
        assert trained[-1] == now.count()

    def test_service_has_results_and_open_ends(self):
        last, this = Campaign.objects.order_by("starts_on")
        assert set(last.service_tasks.values_list("state", flat=True)) <= {"RESOLVED", "CONFIRMED"}
        assert this.service_tasks.filter(state="OPEN", deadline__lt=TODAY).exists()
        for task in ServiceTask.objects.prefetch_related("events"):
            kinds = [event.kind for event in task.events.all()]
            assert kinds[0] == "OPENED"
            assert ("RESOLVED" in kinds) == (task.state in ("RESOLVED", "CONFIRMED"))


@pytest.fixture
def small_districts(monkeypatch):
    """MEMBERS people are a province of two districts."""
    monkeypatch.setattr("reports.demo.tree.LONE_DISTRICT", 100)
    monkeypatch.setattr("reports.demo.tree.DISTRICT_SIZE", 150)


def print_of(seed: int) -> str:
    with transaction.atomic():
        load.load(demo=load.Demo(MEMBERS, seed, TODAY), say=lambda text: None)
        found = fingerprint()
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
def test_two_loads_are_equal_and_another_seed_is_not():
    first = print_of(1)
    assert print_of(1) == first
    assert print_of(2) != first


@pytest.mark.django_db
def test_districts_made_side_by_side_are_as_equal(small_districts):
    assert print_of(1) == print_of(1)


@pytest.mark.django_db
def test_the_command_names_an_account_of_each_role_and_two_sibling_townships():
    answer = run()
    assert set(answer) == {"district", "campaigns", "accounts"}
    assert Organization.objects.get(depth=1).code == answer["district"]
    assert len(answer["campaigns"]) == 2
    assert {account["role"] for account in answer["accounts"]} == set(Role.values)
    townships = [a["organization"] for a in answer["accounts"] if a["role"] == Role.ORGANIZER]
    first, second = Organization.objects.filter(code__in=townships)
    assert first.path[:-4] == second.path[:-4]
    for account in answer["accounts"]:
        user = authenticate(None, username=account["username"], password=account["password"])
        assert user
        assert not user.must_change_password


@pytest.mark.django_db
def test_loading_again_prints_the_same_and_changes_nothing():
    first = run("--seed", "5")
    before = fingerprint(), AuditEvent.objects.count()
    assert run("--seed", "6") == first
    assert (fingerprint(), AuditEvent.objects.count()) == before


@pytest.mark.django_db
def test_no_list_of_the_first_township_is_empty(client):
    run("--members", "900")
    campaign = Campaign.objects.get(stage=Stage.OPEN)
    pages = {"organizer1": CARE_PAGES, "organizer2": ["guests/"], "inspector": DOUBT_PAGES}
    for username, paths in pages.items():
        client.force_login(User.objects.get(username=username))
        for path in paths:
            html = client.get(f"/campaigns/{campaign.pk}/{path}").content.decode()
            assert 'class="empty' not in html and "<h1" in html, path
    assert Trainee.objects.exists() and HeadCount.objects.exists()
    assert differences(campaign=campaign) == []


@pytest.mark.django_db
def test_a_database_with_other_data_is_refused():
    make_organization(None, "HZ", "海州区委")
    with pytest.raises(CommandError, match="其他数据") as refusal:
        run()
    assert refusal.value.returncode == 2
    assert Organization.objects.count() == 1


@pytest.mark.django_db
def test_half_a_demo_is_refused():
    make_organization(None, "YS", "海州区委（演示）")
    with pytest.raises(CommandError, match="没有装完"):
        run()


@pytest.mark.django_db
def test_a_failure_leaves_nothing_behind(monkeypatch):
    def fail(**_):
        raise RuntimeError("power cut")

    monkeypatch.setattr(load, "rebuild", fail)
    with pytest.raises(RuntimeError):
        run()
    assert not Organization.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_more_members_need_no_more_statements():
    def statements(members: int) -> int:
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            load.load(demo=load.Demo(members, 3, TODAY), say=lambda text: None)
            transaction.set_rollback(True)
        return len(queries)

    few, many = statements(300), statements(900)
    # One more statement for each further chunk of an insert, none for each row.
    assert many <= few + 10


def test_a_million_members_make_a_province():
    tree = Tree(1_000_000, 1)
    assert len(tree.districts) == 50
    assert sum(branch.size for district in tree.districts for branch in district.branches) == 1_000_000
    for field in ("path", "code"):
        assert len({getattr(node, field) for node in tree.nodes}) == len(tree.nodes)


@pytest.mark.django_db
def test_a_province_is_loaded_like_a_district(small_districts):
    load.load(demo=load.Demo(MEMBERS, 3, TODAY), say=lambda text: None)
    assert Organization.objects.find_problems() == ([], [], [], [], [])
    assert Organization.objects.filter(depth=3).count() == 2
    assert Member.objects.count() == MEMBERS
    for campaign in Campaign.objects.all():
        assert differences(campaign=campaign) == []
        assert share_trained(campaign) > 0.75
        waivers = Waiver.objects.filter(entry__campaign=campaign)
        assert waivers.count() == campaign.entries.filter(required=False).count()
        assert all(w.set_by.organization.depth == 4 for w in waivers.select_related("set_by__organization"))


@pytest.mark.django_db
def test_every_index_and_foreign_key_dropped_for_the_load_is_back():
    def belongings() -> dict[str, dict]:
        with connection.cursor() as cursor:
            tables = [model._meta.db_table for model in load.LARGE]
            return {table: connection.introspection.get_constraints(cursor, table) for table in tables}

    before = belongings()
    load.load(demo=load.Demo(MEMBERS, 3, TODAY), say=lambda text: None)
    assert belongings() == before
    connection.check_constraints()


@pytest.mark.django_db
def test_a_row_that_names_nobody_stops_the_load():
    if connection.vendor != "postgresql":
        return  # SQLite drops nothing for the load, and checks each row at once
    with fixture_writes(), pytest.raises(IntegrityError, match="entry_id"), bulk.bare(RosterStay):
        bulk.write(RosterStay, ["entry_id", "unit_id", "since"], [(10**9, 10**9, "2026-12-01")])


def test_tree_steps_count_in_base_36():
    assert [step(number) for number in (1, 9, 10, 35, 36)] == ["0001", "0009", "000A", "000Z", "0010"]


@pytest.mark.django_db
def test_both_databases_throw_the_same_dice():
    with connection.cursor() as cursor:
        columns = ("CAST(%(one)s AS bigint)", "CAST(%(other)s AS bigint)")
        cursor.execute(f"SELECT {bulk.dice(*columns, 77)}", {"one": 123456, "other": 654321})
        mixed = (123456 * 48271 + 654321 * 69621 + 77) % bulk.PRIME
        assert cursor.fetchone()[0] == (mixed * mixed + mixed * 31) % bulk.PRIME % 1000
