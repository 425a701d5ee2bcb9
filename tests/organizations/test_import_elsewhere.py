"""People one township imported and another one has now: neither reads the other's from the import."""

from datetime import date

import pytest
from django.urls import reverse

from organizations.models import Member
from organizations.queries import member_history
from organizations.services import imports, transfers
from tests.base import Cast, once
from tests.organizations.workbooks import person, roster

pytestmark = pytest.mark.django_db

built, cast = once(Cast)


def imported(cast, *people, store=True):
    batch = imports.check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="名册.xlsx", content=roster(*people)
    )
    if store:
        imports.store_batch(actor=cast.north_organizer, batch=batch)
    return batch


def moved_south(cast, name) -> Member:
    member = Member.objects.get(name=name)
    transfers.transfer_member(
        actor=cast.officer, member=member, to_branch=cast.south_branch, day=date(2026, 11, 1)
    )
    member.refresh_from_db()
    return member


def lines(client, account, name, batch, **query) -> str:
    client.force_login(account)
    text = client.get(reverse(f"organizations:{name}", args=[batch.pk]), query).content.decode()
    return text.split("<main")[1].split("</main>")[0]


def test_where_somebody_went_is_not_read_from_the_import(cast, client):
    batch = imported(cast, person("张一"), person("张二"))
    member = moved_south(cast, "张一")
    link = reverse("organizations:member_detail", args=[member.pk])
    text = lines(client, cast.north_organizer, "import_detail", batch, show="created")
    assert "张一" in text and "南河村党支部" not in text and link not in text
    assert "北山村党支部" in text  # of the one who stayed
    text = lines(client, cast.officer, "import_detail", batch, show="created")
    assert "南河村党支部" in text and link in text


def test_nor_from_a_verdict_that_was_not_stored_yet(cast, client):
    batch = imported(cast, person("王北甲", birth="1970-01-01", phone="13800001111"), store=False)
    member = moved_south(cast, "王北甲")
    link = reverse("organizations:member_detail", args=[member.pk])
    text = lines(client, cast.north_organizer, "import_detail", batch, show="updated")
    assert "王北甲" in text and link not in text


def told(member, reader) -> list[str]:
    return [f"{step.actor_name}：{step.summary}" for step in member_history(member, reader)]


def test_who_imported_somebody_is_not_told_where_they_went(cast):
    imported(cast, person("张一"))
    member = moved_south(cast, "张一")
    line = "北山组织员：由名册导入"
    assert line in told(member, cast.officer) and line in told(member, cast.north_organizer)
    assert not [step for step in told(member, cast.south_organizer) if "北山组织员" in step]


def test_the_branch_reads_what_its_township_and_the_district_imported(cast):
    imported(cast, person("张一"))
    assert told(Member.objects.get(name="张一"), cast.north_recorder) == ["北山组织员：由名册导入"]
