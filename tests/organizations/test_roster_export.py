"""The roster going out: scope, filters, masks, whole numbers for a reason; back it changes nothing."""

import tempfile
from datetime import date
from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from organizations.models import AuditEvent, Job, OrganizationKind
from organizations.runner import Runner
from organizations.service import Refused
from organizations.services import rosters
from organizations.services.imports import check_roster
from organizations.services.members import change_member
from tests.base import Cast, make_member, make_organization, once
from tests.organizations.workbooks import id_number

pytestmark = pytest.mark.django_db
NUMBER, PHONE = id_number("19650712"), "13800001111"


class Rolls(Cast):
    """Every column filled, two villages with a branch of one name, a place that somebody left."""

    def __init__(self):
        super().__init__()
        for number in ("甲", "乙"):
            village = make_organization(
                self.north, f"HZ01{number}", f"{number}村党总支", OrganizationKind.GENERAL_BRANCH
            )
            branch = make_organization(village, f"HZ01{number}1", "第一党支部")
            make_member(
                branch,
                f"{number}村人",
                birth_date=date(1958, 3, 1),
                birth_precision="month",
                joined_party_on=date(1985, 1, 1),
                joined_party_precision="year",
            )
        make_member(self.north_branch, "陈全", place_in_list=9)
        make_member(
            self.north_other_branch,
            "吴满",
            sex="M",
            birth_date=date(1958, 1, 1),
            birth_precision="year",
            category="PROBATIONARY",
            post="SECRETARY",
            party_group="-二组",
            joined_party_on=date(1985, 7, 1),
            joined_party_precision="month",
            is_floating=True,
            floating_to="=苏州",
            contact_person="'@吴小",
            is_home_bound=True,
            is_in_difficulty=True,
        )


built, cast = once(Rolls)


@pytest.fixture
def numbered(cast):
    change_member(
        actor=cast.north_organizer,
        member=cast.wang,
        sex="M",
        birth_date=date(1965, 7, 12),
        id_number=NUMBER,
        phone=PHONE,
    )
    return cast.wang


def sheet_of(content: bytes):
    return load_workbook(BytesIO(content)).active


def exported(cast, **asked) -> bytes:
    return rosters.export_roster(actor=cast.north_organizer, **asked)[1]


def names_in(content: bytes) -> list[str]:
    return [row[2] for row in sheet_of(content).iter_rows(min_row=4, values_only=True)]


@pytest.fixture
def page(client, cast):
    def ask(account, method="get", query="", **data):
        client.force_login(getattr(cast, account))
        return getattr(client, method)(reverse("organizations:member_export") + query, data)

    return ask


def check(cast, content):
    return check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="导出.xlsx", content=content
    ).verdict


@pytest.mark.parametrize("whole", [False, True])
def test_what_went_out_comes_back_without_a_difference(cast, numbered, whole):
    verdict = check(cast, exported(cast, whole=whole, reason="核对"))
    assert verdict["errors"] == []
    counts = {
        name: verdict["counts"][name] for name in ("created", "updated", "unchanged", "skipped", "error_rows")
    }
    assert counts == {
        "created": 0, "updated": 0, "unchanged": 8, "skipped": 0, "error_rows": 0,
    }  # fmt: skip


def test_rare_characters_and_what_was_typed_with_blanks_or_signs_come_back_as_well(cast):
    typed = {
        "name": "John  Lee",
        "is_floating": True,
        "floating_to": " 苏州  昆山",
        "contact_person": "'吴 小",
    }
    change_member(actor=cast.north_organizer, member=cast.wang, party_group="+1  组", **typed)
    change_member(actor=cast.north_organizer, member=cast.li, name="\U00020bb7 䶮")
    assert "\U00020bb7䶮" in names_in(exported(cast))
    cast.wang.refresh_from_db()
    assert (cast.wang.name, cast.wang.floating_to, cast.wang.party_group) == (
        "John Lee",
        "苏州 昆山",
        "+1 组",
    )
    counts = check(cast, exported(cast))["counts"]
    assert (counts["created"], counts["updated"], counts["error_rows"]) == (0, 0, 0)


def test_the_head_says_whose_it_is_of_when_and_by_whom(cast):
    sheet = sheet_of(exported(cast))
    assert sheet["A1"].value == "北山镇党委党员名册"
    assert sheet["A2"].value.startswith("填报单位：北山镇党委　截至：") and "北山组织员" in sheet["A2"].value


def test_numbers_are_masked_unless_a_reason_is_given(cast, numbered):
    masked = sheet_of(exported(cast))
    assert (masked["F4"].value, masked["K4"].value) == ("3207************" + NUMBER[-2:], "138****1111")
    with pytest.raises(Refused, match="写明"):
        exported(cast, whole=True, reason=" ")
    whole = sheet_of(exported(cast, whole=True, reason="报区里核对"))
    assert (whole["F4"].value, whole["K4"].value) == (NUMBER, PHONE)
    assert "用途：报区里核对" in whole["A2"].value
    event = AuditEvent.objects.filter(action="roster.exported").latest("pk")
    assert event.details == {"count": 8, "show": "", "whole": True} and "报区里核对" in event.summary


def test_no_cell_is_computed_by_a_spreadsheet(cast):
    for row in sheet_of(exported(cast)).iter_rows():
        for cell in row:
            assert cell.value is None or cell.data_type == "s"
            assert not (cell.value or "").startswith(("=", "+", "-", "@"))


def test_it_holds_the_scope_and_the_filter_and_nothing_else(cast, page):
    assert "孙南甲金丝雀" not in names_in(exported(cast))
    assert names_in(exported(cast, unit=cast.north_other_branch)) == ["钱北丁", "吴满"]
    assert names_in(exported(cast, show="floating")) == ["吴满"]
    assert names_in(exported(cast, text="王")) == ["王北甲"]
    assert page("north_organizer", query=f"?unit={cast.south.pk}").status_code == 404


def test_people_who_left_are_a_list_that_cannot_be_imported_as_a_roster(cast):
    from_page = exported(cast, show="left")
    assert sheet_of(from_page)["C3"].value == "已离开党员姓名"
    # Nothing is read as a roster; somebody would have to say that these are names.
    verdict = check(cast, from_page)
    assert verdict["refused"]["code"] == "NO_HEADER" and "counts" not in verdict


def test_the_page_gives_the_file_and_refuses_whole_numbers_without_a_reason(page, numbered):
    assert "8 人" in page("north_organizer").content.decode()
    answer = page("north_organizer", "post", numbers="masked")
    assert len(names_in(answer.content)) == 8 and answer["Cache-Control"] == "no-store"
    answer = page("north_organizer", "post", numbers="whole", reason="")
    assert answer.status_code == 422 and "请写明" in answer.content.decode()


def test_inspectors_get_masked_numbers_only_and_recorders_nothing(page, numbered):
    assert "完整号码" not in page("inspector").content.decode()
    assert page("inspector", "post", numbers="whole", reason="看看").status_code == 422
    assert page("inspector", "post", numbers="masked").status_code == 200
    for account in ("north_recorder", "auditor"):
        assert page(account).status_code == 404


def test_a_long_roster_is_a_job_once_per_form_and_never_with_whole_numbers(cast, page, numbered, monkeypatch):
    monkeypatch.setattr(rosters, "MOST_AT_ONCE", 3)
    form = {"numbers": "masked", "form_uuid": "6d1ef22c-6d0f-4c53-b4ba-9c2f0a5a8d8e"}
    for _ in range(2):
        assert "/jobs/" in page("north_organizer", "post", **form)["Location"]
    assert Runner().run_one()
    job = Job.objects.get(kind=rosters.KIND)
    assert job.state == "READY" and len(names_in(bytes(job.file.content))) == 8
    assert check(cast, bytes(job.file.content))["counts"]["unchanged"] == 8
    assert page("north_organizer", "post", numbers="whole", reason="核对").status_code == 422
    assert AuditEvent.objects.filter(action="roster.exported").get().details["count"] == 8


def test_no_sheet_lies_on_the_disk_while_it_is_written(cast, numbered, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert sheet_of(exported(cast, whole=True, reason="核对"))["F4"].value == NUMBER


def test_it_is_made_for_paper_and_its_cells_are_text(cast):
    sheet = sheet_of(exported(cast))
    assert (sheet.freeze_panes, sheet.print_title_rows, sheet.title) == ("D4", "$3:$3", "党员名册")
    paper = sheet.page_setup
    assert (paper.orientation, paper.paperSize, paper.fitToHeight) == ("landscape", 9, 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet["A1"].font.size, sheet["A1"].font.b, sheet["C3"].font.b) == (16, True, True)
    assert (sheet["C3"].fill.fgColor.rgb, sheet["C3"].alignment.horizontal) == ("00F2EFE8", "center")
    for cell in (sheet["F4"], sheet["K4"], sheet["C3"]):
        assert (cell.number_format, cell.border.left.style) == ("@", "thin")
    assert sheet.column_dimensions["F"].width == 24
