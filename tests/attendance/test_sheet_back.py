"""The sheet goes out as .xlsx, is filled in WPS and comes back exactly."""

import csv
import io
import shutil
import subprocess
from datetime import timedelta

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from attendance.imports.deciding import Mark as Line
from attendance.imports.tokens import Token, write_token
from attendance.models import Mark, MarkBatch, SheetReading
from attendance.services.sheet_readings import drop_expired, send_reading
from organizations.models import AuditEvent
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.attendance.sheets import (
    HEADER,
    TOKEN,
    Filled,
    answers,
    asked,
    download,
    login,
    read,
    statuses,
    upload,
    url,
)
from tests.base import fixture_writes, make_member, once
from tests.organizations.rosters import hostile

pytestmark = pytest.mark.django_db
built, scene = once(Scene)


@pytest.fixture
def session(scene):
    return scene.session(topics=scene.topics(0), title="党的创新理论")


@pytest.fixture
def north(client, scene):
    return login(client, scene.north_organizer)


def test_the_sheet_holds_the_order_of_the_paper_and_choices_to_pick_from(north, session):
    book = load_workbook(io.BytesIO(download(north, session)))
    sheet = book.active
    assert [row[1].value for row in sheet.iter_rows(min_row=HEADER + 1)] == ["王北甲", "李北乙", "赵北丙"]
    assert [cell.value for cell in sheet[HEADER]][:7] == [
        "序号",
        "姓名",
        "党小组",
        "支部",
        "情况",
        "原因",
        "分钟",
    ]
    assert sheet.column_dimensions["H"].hidden and sheet["A1"].value == "北山村党支部签到表"
    rules = {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert rules["E4:E6"] == '"出席,迟到,早退,线上,异地参训,请假,缺席"' and "F4:F6" in rules


def test_filled_and_sent_back_it_is_shown_first_and_stored_once(north, scene, session):
    book = Filled(download(north, session)).fill(
        {"王北甲": "出席", "李北乙": ("请假", "生病"), "赵北丙": ("迟到", "", 90)}
    )
    reading, page = read(north, session, book.saved())
    html = north.get(page).content.decode()
    assert "3人会改" in html and "请假·生病" in html and "迟到30分钟，计90分钟" in html
    assert MarkBatch.objects.count() == 0
    done = north.post(page, answers(reading), follow=True)
    assert "已登记 3人" in done.content.decode() and "撤销刚才这次" in done.content.decode()
    assert statuses(session) == {
        "王北甲": ("present", "", None),
        "李北乙": ("leave", "ILL", None),
        "赵北丙": ("late", "", 90),
    }
    assert north.post(page, answers(reading)).url == north.get(page).url
    stored = SheetReading.objects.get()
    again = send_reading(actor=scene.north_organizer, reading=stored, marks=[n.mark for n in reading.lines])
    assert {mark.outcome for mark in again.marks} == {"duplicate"}
    batch = MarkBatch.objects.get()
    assert batch.kind == "sheet" and Mark.objects.count() == 3
    assert_derived_rows_are_true(scene.campaign)


def test_an_unchanged_sheet_changes_nothing(north, scene, session):
    scene.mark(session, {scene.wang: "late", scene.li: ("leave", "AWAY")})
    reading, page = read(north, session, download(north, session))
    assert all(line.is_blank for line in reading.lines)
    html = north.get(page).content.decode()
    assert "没有改动" in html and "没有变化 3行" in html and "名单上还有1人没有登记" in html
    assert north.post(page, answers(reading)).status_code == 422 and MarkBatch.objects.count() == 1


@pytest.mark.files
@pytest.mark.slow
def test_an_unchanged_sheet_survives_libreoffice(north, scene, session, tmp_path):
    if not shutil.which("soffice"):
        pytest.skip("no LibreOffice: apt-get install libreoffice-calc-nogui")
    scene.mark(session, {scene.wang: ("leave", "AWAY")})
    (tmp_path / "in.xlsx").write_bytes(Filled(download(north, session)).fill({"李北乙": "出席"}).saved())
    for kind in ("ods", "xls", "xlsx"):
        source = "in.xlsx" if kind == "ods" else "in.ods"
        command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to"]
        subprocess.run([*command, kind, source], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    for name in ("in.xlsx", "in.xls"):
        reading, _ = read(north, session, (tmp_path / name).read_bytes(), name)
        assert [line.is_blank for line in reading.lines] == [True, False, True]


def test_saved_as_csv_by_wps_it_is_still_exact(north, scene, session):
    scene.mark(session, {scene.wang: ("leave", "AWAY")})
    sheet = Filled(download(north, session)).fill({"李北乙": "√"}).sheet
    output = io.StringIO()
    csv.writer(output).writerows(sheet.iter_rows(values_only=True))
    reading, _ = read(north, session, output.getvalue().encode("gb18030"), "签到表.csv")
    assert [line.is_blank for line in reading.lines] == [True, False, True]
    assert SheetReading.objects.get().kind == "sheet"


def test_sorted_shortened_and_partly_filled_it_means_the_same(north, session):
    book = Filled(download(north, session)).fill({"赵北丙": "√", "李北乙": "×"})
    lines = [[cell.value for cell in row] for row in book.sheet.iter_rows(min_row=HEADER + 1)]
    book.sheet.delete_rows(HEADER + 1, 3)
    for line in sorted(lines[1:], key=lambda one: one[1], reverse=True):
        book.sheet.append(line)
    reading, page = read(north, session, book.saved())
    north.post(page, answers(reading))
    assert statuses(session) == {"赵北丙": ("present", "", None), "李北乙": ("absent", "", None)}


def test_names_sorted_without_the_hidden_column_are_believed(north, session):
    book = Filled(download(north, session)).fill({"王北甲": "出席"})
    first, second = book.sheet.cell(HEADER + 1, TOKEN), book.sheet.cell(HEADER + 2, TOKEN)
    first.value, second.value = second.value, first.value
    reading, page = read(north, session, book.saved())
    north.post(page, answers(reading))
    assert statuses(session) == {"王北甲": ("present", "", None)}


def test_what_was_changed_since_is_a_conflict_with_both_values(north, scene, session):
    scene.mark(session, {scene.wang: "present", scene.li: "present"})
    book = Filled(download(north, session)).fill({"王北甲": "缺席"})
    scene.mark(session, {scene.wang: ("leave", "DUTY"), scene.li: "late"}, actor=scene.officer)
    reading, page = read(north, session, book.saved())
    html = north.get(page).content.decode()
    assert "后来改过" in html and "区委主管" in html and "请假·公务" in html
    done = north.post(page, answers(reading), follow=True).content.decode()
    assert "1人要请您定一下" in done and "您登记为“缺席”" in done
    # Of whom nothing was written in the sheet, nothing is put back.
    assert statuses(session)["李北乙"][0] == "late" and statuses(session)["王北甲"][1] == "DUTY"


def test_a_tampered_identity_is_asked_about_and_gives_no_version(north, scene, session):
    scene.mark(session, {scene.wang: "present"})
    book = Filled(download(north, session)).fill({"王北甲": "缺席"})
    scene.mark(session, {scene.wang: "late"}, actor=scene.officer)
    cell = book.sheet.cell(HEADER + 1, TOKEN)
    entry = scene.entry(scene.wang).pk
    forged = write_token(Token(session.pk, session.parts.get().pk, entry, 2)).rpartition(":")
    cell.value = f"{forged[0]}:{cell.value.rpartition(':')[2]}"
    reading, page = read(north, session, book.saved())
    assert "识别码被改动过" in north.get(page).content.decode() and "王北甲" in asked(reading)
    assert north.post(page, {"rest": ""}).status_code == 422
    assert statuses(session)["王北甲"][0] == "late"


def test_without_the_hidden_column_names_are_enough(north, scene, session):
    book = Filled(download(north, session)).fill({"王北甲": "到", "李北乙": "事假"})
    book.sheet.delete_cols(TOKEN)
    reading, page = read(north, session, book.saved())
    north.post(page, answers(reading))
    assert statuses(session) == {"王北甲": ("present", "", None), "李北乙": ("leave", "PRIVATE", None)}
    assert MarkBatch.objects.get().kind == "sheet"


def test_added_rows_are_matched_or_asked(north, scene, session):
    with fixture_writes():
        make_member(scene.north_branch, "不在册")
    book = Filled(download(north, session))
    for name in ("钱北丁", "王北申", "孙南甲金丝雀", "赵 北 丙"):
        book.sheet.append([None, name, None, None, "出席"])
    reading, page = read(north, session, book.saved())
    questions = asked(reading)
    assert questions["钱北丁"][1] == ["是钱北丁（北坡村党支部），从外单位来听", "不登记"]
    assert questions["王北申"][1][0].startswith("王北甲") and "孙南甲金丝雀" not in questions
    html = north.get(page).content.decode()
    assert "系统里没有找到这个人" in html
    refused = north.post(page, {"rest": ""})
    assert refused.status_code == 422 and "还有2行没有选" in refused.content.decode()
    north.post(page, answers(reading, 钱北丁="从外单位来听", 王北申="不登记"))
    assert set(statuses(session)) == {"钱北丁", "赵北丙"}


def test_a_slip_beside_a_line_nobody_touched_is_asked(north, scene, session):
    scene.mark(session, {scene.wang: ("leave", "AWAY"), scene.li: "present"})
    book = Filled(download(north, session)).fill({"李北乙": "缺席"})
    for name in ("王北申", "李北己"):
        book.sheet.append([None, name, None, None, "出席"])
    reading, _ = read(north, session, book.saved())
    assert list(asked(reading)) == ["王北申"]


def test_the_rest_is_counted_only_when_somebody_says_so(north, session):
    book = Filled(download(north, session)).fill({"王北甲": "缺席"})
    reading, page = read(north, session, book.saved())
    assert "名单上还有2人没有登记" in north.get(page).content.decode()
    north.post(page, answers(reading) | {"rest": "present"})
    assert sorted(status for status, _, _ in statuses(session).values()) == ["absent", "present", "present"]


def test_a_long_rest_is_stored_whole_and_as_one_act(north, scene, session):
    """More people than a file may have lines: nobody at the end of the list is dropped in silence."""
    _, page = read(north, session, Filled(download(north, session)).fill({"王北甲": "缺席"}).saved())
    stored = SheetReading.objects.get(uuid=page.rstrip("/").rpartition("/")[2])
    marks = [Line(entry, 0, "absent") for entry in range(10**6, 10**6 + 2600)]
    send_reading(actor=scene.north_organizer, reading=stored, marks=marks)
    assert MarkBatch.objects.get(session=session).marks.count() == 2600
    assert AuditEvent.objects.filter(action="register.sheet").count() == 1


def test_the_sheet_of_another_class_is_named(client, north, scene, session):
    other = scene.session(title="另一课", days=-2)
    answer = upload(north, session, download(north, other))
    assert answer.status_code == 422 and "这份表是“另一课”" in answer.content.decode()
    foreign = scene.session(scene.south_branch_unit)
    content = download(login(client, scene.officer), other)
    answer = upload(login(client, scene.south_organizer), foreign, content)
    assert answer.status_code == 422 and "不是您能看到的场次" in answer.content.decode()
    assert "另一课" not in answer.content.decode()


def test_a_class_of_several_branches_is_one_workbook_of_several_sheets(client, scene):
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    north = login(client, scene.north_organizer)
    content = download(north, session)
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["北山村党支部", "北坡村党支部"]
    book["北坡村党支部"].cell(HEADER + 1, 5).value = "缺席"
    output = io.BytesIO()
    book.save(output)
    reading, page = read(north, session, output.getvalue())
    north.post(page, answers(reading))
    assert statuses(session) == {"钱北丁": ("absent", "", None)}
    part = session.parts.get(unit=scene.north_other_unit)
    assert load_workbook(io.BytesIO(download(north, session, part=part.pk))).sheetnames == ["北坡村党支部"]


HARMFUL = [case for case in hostile.ATTACKS if case.id in {"H1", "H2d", "H4", "H6", "H10"}]


def test_hostile_files_are_refused_in_words_and_leave_nothing(north, session):
    for case in HARMFUL:
        answer = upload(north, session, case.build(), case.name)
        html = answer.content.decode()
        assert answer.status_code == 422 and "名册" not in html.partition("upload-form")[2], case
    assert SheetReading.objects.count() == 0


def test_who_sees_nothing_of_the_class_gets_404(client, scene, session):
    south = login(client, scene.south_organizer)
    for name in ("sheet_xlsx", "sheet_upload", "sheet_tick", "batch_list"):
        assert south.get(url(name, session)).status_code == 404
    _, page = read(login(client, scene.north_organizer), session, download(client, session))
    assert login(client, scene.officer).get(page).status_code == 404
    assert login(client, scene.inspector).get(url("sheet_upload", session)).status_code == 403


def test_a_reading_is_forgotten_after_a_day(north, session):
    _, page = read(north, session, download(north, session))
    with fixture_writes():
        SheetReading.objects.update(at=timezone.now() - timedelta(hours=25))
    assert north.get(page).status_code == 404
    assert drop_expired() == 1 and SheetReading.objects.count() == 0
