"""The contracts of participation and build_report: what other programs read."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from openpyxl import load_workbook

from campaigns.services.campaigns import create_campaign
from tests.base import Role, make_user, once
from tests.reports.oracle import recount
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db


built, winter = once(Winter)


def participation(*options):
    out = io.StringIO()
    call_command("participation", *options, stdout=out)
    return out.getvalue()


def test_participation_prints_one_object(winter):
    answer = json.loads(participation("--campaign", winter.campaign.label, "--json"))
    assert answer["organization"] == "HZ"
    assert answer["indicators"] == recount(winter.campaign, "HZ")
    below = {child["organization"]: child["indicators"] for child in answer["children"]}
    assert below == {code: recount(winter.campaign, code) for code in ("HZ01", "HZ02")}
    assert all("children" not in child for child in answer["children"])


def test_a_count_is_an_integer_a_rate_its_fraction_and_why_an_object(winter):
    text = participation("--campaign", winter.campaign.label, "--organization", "HZ0101", "--json")
    indicators = json.loads(text)["indicators"]
    assert isinstance(indicators["MEM_DUE"], int)
    assert set(indicators["RATE_DUE"]) == {"n", "d"}
    assert indicators["WHY"]["ABSENT"] == 0
    assert json.loads(text)["children"] == []


def test_participation_reads_well_without_json(winter):
    text = participation("--campaign", winter.campaign.label, "--organization", "HZ01")
    assert "参训率：66.7%" in text and "已登记缺席 1" in text


def test_an_ambiguous_label_exits_with_2_and_lists_the_candidates(winter):
    officer = make_user("south-officer", winter.south, Role.OFFICER)
    create_campaign(
        actor=officer,
        organization=winter.south,
        preset="siwuliu",
        label=winter.campaign.label,
        starts_on=winter.campaign.starts_on,
        ends_on=winter.campaign.ends_on,
    )
    with pytest.raises(CommandError) as refusal:
        participation("--campaign", winter.campaign.label)
    assert refusal.value.returncode == 2
    assert f"HZ/{winter.campaign.label}" in str(refusal.value)
    assert f"HZ02/{winter.campaign.label}" in str(refusal.value)
    answer = json.loads(participation("--campaign", f"HZ/{winter.campaign.label}", "--json"))
    assert answer["organization"] == "HZ"


@pytest.mark.parametrize("options", [("没有的",), (None, "--organization", "XX")])
def test_what_does_not_exist_exits_with_2(winter, options):
    with pytest.raises(CommandError) as refusal:
        participation("--campaign", options[0] or winter.campaign.label, *options[1:])
    assert refusal.value.returncode == 2


def test_build_report_writes_the_same_workbook(winter, tmp_path):
    path = tmp_path / "out.xlsx"
    options = {"campaign": winter.campaign.label, "organization": "HZ01", "output": str(path)}
    call_command("build_report", stdout=io.StringIO(), **options)
    assert load_workbook(path)["情况统计表"]["A2"].value == "填报单位：北山镇党委"


def test_a_place_that_cannot_be_written_is_said_plainly(winter, tmp_path):
    options = {"campaign": winter.campaign.label, "organization": "HZ01"}
    with pytest.raises(CommandError, match="写不进"):
        call_command("build_report", output=str(tmp_path / "no" / "out.xlsx"), **options)
