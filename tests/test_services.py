"""The gate for writes: what every service looks like, and what the audit keeps."""

import importlib
import inspect
import pkgutil
from unittest import mock

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

import attendance.services
import campaigns.services
import organizations.services
import reports.services
from organizations.models import AuditEvent, Organization
from organizations.service import REGISTRY
from organizations.services import (
    accounts,
    audit,
    downloads,
    duplicates,
    jobs,
    members,
    refusals,
    transfer_requests,
    transfers,
)
from organizations.services import organizations as organization_services
from tests.acts_accounts import account_acts
from tests.acts_imports import import_acts
from tests.acts_many import many_acts
from tests.base import Cast, fixture_writes, once
from tests.guard import WriteOutsideService

pytestmark = pytest.mark.django_db
PACKAGES = (organizations.services, campaigns.services, attendance.services, reports.services)
# The job ledger and the work of a job are handed the job itself, by the frame that runs them.
LEDGER = "organizations.services.jobs."


def load_every_service() -> None:
    for package in PACKAGES:
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")


built, cast = once(Cast)


def test_every_service_takes_keywords_only():
    load_every_service()
    wrong = [
        name
        for name, function in REGISTRY.items()
        if not name.startswith(LEDGER)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD) and parameter.name != "job"
    ]
    assert wrong == []


def test_every_service_says_what_it_does():
    load_every_service()
    assert [name for name, function in REGISTRY.items() if not function.__doc__] == []


def acts(cast):
    """Every audited service of this app, each as one call: name → act."""
    officer, north = cast.officer, cast.north_organizer
    today = timezone.localdate()
    return {
        "accounts.record_login": lambda: accounts.record_login(user=north),
        "accounts.record_failed_login": lambda: accounts.record_failed_login(username="x", locked=False),
        "accounts.change_own_password": lambda: accounts.change_own_password(user=north, password="x"),
        "accounts.open_account": lambda: accounts.open_account(
            actor=officer, organization=cast.north, role="ORGANIZER", username="neu", name="新"
        ),
        "accounts.open_accounts": lambda: accounts.open_accounts(
            actor=officer, organizations=[cast.north, cast.south], role="INSPECTOR"
        ),
        "accounts.reset_account": lambda: accounts.reset_account(actor=officer, user=north),
        "accounts.close_account": lambda: accounts.close_account(actor=officer, user=north),
        "accounts.record_refused": lambda: accounts.record_refused(actor=north, summary="想越权"),
        "refusals.record_refused_write": lambda: refusals.record_refused_write(
            actor=north, path="/entries/1/waiver/", status=404
        ),
        "downloads.record_download": lambda: downloads.record_download(actor=north, job=make_job(cast)),
        "downloads.record_audit_reading": lambda: downloads.record_audit_reading(actor=officer, text=""),
        "jobs.enqueue": lambda: make_job(cast),
        "members.create_member": lambda: members.create_member(
            actor=north, branch=cast.north_branch, name="刘新人"
        ),
        "members.change_member": lambda: members.change_member(
            actor=north, member=cast.wang, party_group="二组"
        ),
        "members.leave_member": lambda: members.leave_member(
            actor=north, member=cast.wang, left_on=today, reason="去世"
        ),
        "members.reveal_member": lambda: members.reveal_member(actor=north, member=cast.wang, reason="核对"),
        "transfers.transfer_member": lambda: transfers.transfer_member(
            actor=north, member=cast.wang, to_branch=cast.north_other_branch, day=today
        ),
        "transfers.transfer_members": lambda: transfers.transfer_members(
            actor=north, members=[cast.wang, cast.li], to_branch=cast.north_other_branch, day=today
        ),
        "transfers.return_member": lambda: transfers.return_member(
            actor=north, member=left(cast.wang), branch=cast.north_branch, day=today
        ),
        "transfer_requests.ask_transfer": lambda: asked(cast),
        "transfer_requests.withdraw_request": lambda: transfer_requests.withdraw_request(
            actor=north, request=quietly(asked, cast)
        ),
        "transfer_requests.decline_request": lambda: transfer_requests.decline_request(
            actor=cast.south_organizer, request=quietly(asked, cast), reason="查无此人"
        ),
        "transfer_requests.accept_request": lambda: transfer_requests.accept_request(
            actor=cast.south_organizer, request=quietly(asked, cast), to_branch=cast.south_branch
        ),
        "members.look_up_member": lambda: members.look_up_member(actor=north, number="13900000000"),
        "duplicates.merge_members": lambda: duplicates.merge_members(
            actor=north, winner=cast.wang, loser=cast.li
        ),
        "duplicates.tell_apart": lambda: duplicates.tell_apart(actor=north, one=cast.wang, other=cast.li),
        "organizations.create_organization": lambda: organization_services.create_organization(
            actor=north, parent=cast.north, code="N1", name="新支部", kind="BRANCH"
        ),
        "organizations.change_organization": lambda: organization_services.change_organization(
            actor=north, organization=cast.north_branch, contact_name="王"
        ),
        "organizations.move_organization": lambda: organization_services.move_organization(
            actor=officer, organization=cast.north_branch, parent=cast.south
        ),
        "organizations.close_organization": lambda: organization_services.close_organization(
            actor=north, organization=empty_branch(cast)
        ),
        **many_acts(cast, quietly),
        **account_acts(cast, quietly),
        **import_acts(cast, quietly),
    }


# What an act of two sides tells the other one, beside its own event.
TOLD_THERE = ("transfer.gone", "organization.gone")
# On an empty installation only, or tested where they live.
ELSEWHERE = {"accounts.open_first_account", "organizations.create_root"}


def make_job(cast):
    actor = cast.north_organizer
    return jobs.enqueue(kind="t", title="表", requested_by=actor, organization=actor.organization, params={})


def asked(cast):
    return transfer_requests.ask_transfer(
        actor=cast.north_organizer, member=cast.wang, wanted="南河村党支部", day=timezone.localdate()
    )


def quietly(prepare, cast):
    """What the act itself needs, without a line in the audit."""
    with mock.patch.object(audit, "record"):
        return prepare(cast)


def left(member):
    with fixture_writes():
        member.left_on = timezone.localdate()
        member.save()
    return member


def empty_branch(cast):
    with fixture_writes():
        cast.north_other_branch.members.update(branch=cast.north_branch)
    return cast.north_other_branch


def names():
    return sorted(
        name.removeprefix("organizations.services.")
        for name, function in REGISTRY.items()
        if name.startswith("organizations.services.") and function.audited and ".imports." not in name
    )


def test_the_table_of_acts_is_complete(cast):
    told = {name for name in acts(cast) if not name.startswith("imports.")}  # those: tests.acts_imports
    assert set(names()) - ELSEWHERE - imports() == told


def imports() -> set[str]:
    """The roster import audits one event per batch; its own tests count it."""
    return {name for name in names() if name.startswith("imports")}


@pytest.mark.parametrize("name", [name for name in names() if name not in ELSEWHERE | imports()])
def test_an_act_leaves_exactly_one_event(cast, name):
    act = acts(cast)[name]
    extra = 1 if name == "downloads.record_download" else 0  # the job it downloads was asked for
    act()
    assert AuditEvent.objects.exclude(action__in=TOLD_THERE).count() == 1 + extra


@pytest.mark.parametrize("change", ["UPDATE {} SET summary = 'x'", "DELETE FROM {}"])
def test_the_database_refuses_to_change_the_audit(cast, change):
    accounts.record_login(user=cast.officer)
    with fixture_writes(), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(change.format(AuditEvent._meta.db_table))
    assert AuditEvent.objects.get().summary != "x"


def test_a_refused_act_leaves_nothing(cast):
    before = Organization.objects.count()
    with pytest.raises(organizations.service.Refused):
        organization_services.create_organization(
            actor=cast.north_organizer, parent=cast.south, code="N1", name="新支部", kind="BRANCH"
        )
    assert Organization.objects.count() == before and not AuditEvent.objects.exists()


def test_a_write_beside_the_services_is_refused(cast):
    with pytest.raises(WriteOutsideService):
        cast.wang.save()
