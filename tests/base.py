"""The fixed cast: one district, two sibling townships, three branches, an account of each role.

"The other township" is always one attribute away. Canary names let a test
search any answer for people of the other place.
"""

import copy
from contextlib import contextmanager
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations import service
from organizations.models import Member, Organization, OrganizationKind, Role, User

PASSWORD = "Dong-xun-2026"


@contextmanager
def fixture_writes():
    """Tests may write rows directly only in here; the guard refuses it elsewhere."""
    token = service._depth.set(service._depth.get() + 1)
    try:
        yield
    finally:
        service._depth.reset(token)


def once(build):
    """Two fixtures: the scene built once for the whole file, and a copy of it for each test.

    built, scene = once(Scene)

    What a test writes is rolled back to the built scene; not for files with transactional tests.
    """

    @pytest.fixture(scope="module")
    def built(kept):
        return build()

    @pytest.fixture
    def scene(built, db):
        return copy.deepcopy(built)

    return built, scene


def make_organization(parent, code, name, kind=OrganizationKind.BRANCH, **fields):
    with fixture_writes():
        if parent is None:
            return Organization.objects.add_root(
                instance=Organization(code=code, name=name, kind=kind, **fields)
            )
        parent.refresh_from_db()
        return Organization.objects.add_child(
            parent, instance=Organization(code=code, name=name, kind=kind, **fields)
        )


def make_member(branch, name, **fields):
    fields.setdefault("birth_date", date(1970, 1, 1))
    fields.setdefault("initials", "")
    with fixture_writes():
        place = Member.objects.filter(branch=branch).count() + 1
        return Member.objects.create(
            branch=branch, name=name, place_in_list=fields.pop("place_in_list", place), **fields
        )


def make_user(username, organization, role, **fields):
    with fixture_writes():
        user = User(
            username=username,
            name=fields.pop("name", username),
            organization=organization,
            role=role,
            must_change_password=fields.pop("must_change_password", False),
            **fields,
        )
        user.set_password(PASSWORD)
        user.save()
        return user


def query_count(client, url, **params) -> int:
    """How many queries one GET takes, after a first one that renews the login."""
    client.get(url, params)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, params).status_code == 200
    return len(captured)


class Cast:
    """North and south township of one district; a branch of the north has three members, the south two."""

    def __init__(self):
        kinds = OrganizationKind
        self.district = make_organization(None, "HZ", "海州区委", kinds.COMMITTEE)
        self.north = make_organization(self.district, "HZ01", "北山镇党委", kinds.COMMITTEE)
        self.south = make_organization(self.district, "HZ02", "南河镇党委", kinds.COMMITTEE)
        self.north_branch = make_organization(self.north, "HZ0101", "北山村党支部")
        self.north_other_branch = make_organization(self.north, "HZ0102", "北坡村党支部")
        self.south_branch = make_organization(self.south, "HZ0201", "南河村党支部")
        self.wang = make_member(self.north_branch, "王北甲")
        self.li = make_member(self.north_branch, "李北乙")
        self.zhao = make_member(self.north_branch, "赵北丙")
        self.qian = make_member(self.north_other_branch, "钱北丁")
        self.sun = make_member(self.south_branch, "孙南甲金丝雀")
        self.zhou = make_member(self.south_branch, "周南乙金丝雀")
        self.officer = make_user("officer", self.district, Role.OFFICER, name="区委主管")
        self.north_organizer = make_user("north", self.north, Role.ORGANIZER, name="北山组织员")
        self.south_organizer = make_user("south", self.south, Role.ORGANIZER, name="南河组织员")
        self.north_recorder = make_user("recorder", self.north_branch, Role.RECORDER, name="北山村记录员")
        self.inspector = make_user("inspector", self.district, Role.INSPECTOR, name="区督查")
        self.auditor = make_user("auditor", self.district, Role.AUDITOR, name="区审计")
