"""Members: taken into a branch, corrected, ended. Moving to another branch is a transfer, not a change."""

from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from organizations.fields import digest
from organizations.id_number import clean_id_number, clean_phone, id_number_problem, phone_problem
from organizations.imports.values import SHORT_HAN
from organizations.models import PRECISION_OF, Member, Organization, User
from organizations.names import initials
from organizations.service import Refused, service
from organizations.services import audit, changes
from organizations.services.member_dates import DATED, require_possible_dates

# What a person may type about a member. The branch is not among them: that is a transfer.
EDITABLE = (
    "name",
    "sex",
    "birth_date",
    "category",
    "post",
    "party_group",
    "place_in_list",
    "joined_party_on",
    "is_floating",
    "floating_to",
    "contact_person",
    "is_home_bound",
    "is_in_difficulty",
    "id_number",
    "phone",
)
DAY_OF = {precision: day for day, precision in PRECISION_OF.items()}
# Kept as a roster would bring them: one blank, none at the ends.
TEXTS = {"name", "party_group", "floating_to", "contact_person"}
SECRET = {"id_number": "id_digest", "phone": "phone_digest"}
FOUNDING = date(1921, 7, 1)  # of the Party: nobody left it earlier
LEFT_REASONS = ("去世", "组织关系转出本区", "停止党籍", "自行脱党", "除名", "开除党籍", "其他")


@service
def create_member(*, actor: User, branch: Organization, is_another: bool = False, **values) -> Member:
    """A new member of `branch`. Twice the same ID number is refused.

    So is the same name and birth date in the branch, unless `is_another` says that
    these are two persons: the same page may have been sent twice.
    """
    branch = _open_branch(actor, branch)
    member = Member(branch=branch, branch_since=timezone.localdate())
    _write(actor, member, values)
    if not is_another:
        _require_new_face(member)
    if not member.place_in_list:
        last = Member.objects.filter(branch=branch).order_by("place_in_list").last()
        member.place_in_list = last.place_in_list + 1 if last else 1
    _save(member)
    audit.record(
        actor=actor,
        action="member.created",
        summary=f"登记党员：{member.name}（{branch.name}）",
        target=member,
        organization=branch,
    )
    return member


@service
def change_member(*, actor: User, member: Member, **values) -> Member:
    """Correct what is known of a member. Nothing new means nothing is written, not even a history line."""
    member = _mine(actor, member)
    if member.merged_into_id:
        raise Refused("这条记录已经并入另一条，请到那一条上修改。", code="merged")
    touched = list(dict.fromkeys(DAY_OF.get(name, name) for name in values))
    before = changes.facts(member, touched)
    _write(actor, member, values)
    changed = changes.between(before, changes.facts(member, touched))
    if not changed:
        return member
    _save(member)
    audit.record(
        actor=actor,
        action="member.changed",
        summary=f"修改党员信息：{member.name}（{'、'.join(one['label'] for one in changed)}）",
        target=member,
        organization=member.branch,
        details={"changes": [_told(one) for one in changed]},
    )
    return member


@service
def leave_member(*, actor: User, member: Member, left_on: date, reason: str) -> Member:
    """The membership here ends; the record stays. A second time is refused."""
    member = _mine(actor, member)
    if member.left_on:
        raise Refused(f"{member.name}已经在 {member.left_on:%Y-%m-%d} 登记离开了。")
    if left_on > timezone.localdate():
        raise Refused("离开日期不能晚于今天，到了那天再登记。")
    earliest = member.joined_party_on or member.birth_date or FOUNDING
    if left_on < max(earliest, FOUNDING):
        raise Refused("离开日期早得不对，请核对年份。")
    if member.branch_since and left_on < member.branch_since:
        raise Refused(f"离开日期不能早于转入本支部的日期（{member.branch_since:%Y-%m-%d}）。")
    if reason not in LEFT_REASONS:
        raise Refused("请选一个离开原因。")
    member.left_on, member.left_reason = left_on, reason
    member.save(update_fields=["left_on", "left_reason"])
    audit.record(
        actor=actor,
        action="member.left",
        summary=f"{member.name}离开：{reason}，{changes.words(left_on)}",
        target=member,
        organization=member.branch,
    )
    return member


@service
def reveal_member(*, actor: User, member: Member, reason: str) -> tuple[str, str]:
    """The full ID number and phone, shown once. Every look is an event with its reason."""
    member = _mine(actor, member)
    if len(reason.strip()) < 2:
        raise Refused("请写明为什么要看完整号码，例如“核对转接介绍信”。")
    audit.record(
        actor=actor,
        action="member.revealed",
        summary=f"查看完整号码：{member.name}，原因：{reason.strip()[:100]}",
        target=member,
        organization=member.branch,
    )
    return member.id_number, member.phone


@service
def look_up_member(*, actor: User, number: str) -> Member | None:
    """The member with this ID number or phone, if in the actor's scope. Every look is an event, without it.

    Nothing is told of anybody outside: the answer is the same as for nobody.
    """
    cleaned = clean_id_number(number)
    phone = clean_phone(number)
    by_phone = phone_problem(phone) is None
    if not by_phone and (problem := id_number_problem(cleaned, timezone.localdate())):
        code, words = problem
        raise Refused(f"{words}也可以填 11 位手机号。" if code == "ID_FORMAT" else words, code=code)
    what = {"phone_digest": digest(phone)} if by_phone else {"id_digest": digest(cleaned)}
    mine = Member.objects.manageable_by(actor).select_related("branch")
    member = mine.filter(**what).order_by(F("left_on").asc(nulls_first=True), "pk").first()
    if member and member.merged_into_id:
        member = mine.filter(pk=_kept_record(member).pk).first()
    by = "手机号" if by_phone else "身份证号"
    audit.record(
        actor=actor,
        action="member.looked_up",
        summary=f"按{by}查人：{member.name}（{member.branch.name}）" if member else f"按{by}查人：没有查到",
        target=member or actor,
        organization=member.branch if member else actor.organization,
    )
    return member


def _mine(actor: User, member: Member) -> Member:
    """The member as stored now, locked, in the actor's scope."""
    locked = Member.objects.select_for_update(no_key=True, of=("self",)).select_related("branch")
    found = locked.filter(pk__in=Member.objects.manageable_by(actor), pk=member.pk).first()
    if found is None:
        raise Refused("这名党员不在您的管理范围内。", code="scope")
    return found


def _open_branch(actor: User, branch: Organization) -> Organization:
    found = (
        Organization.objects.manageable_by(actor).select_for_update(no_key=True).filter(pk=branch.pk).first()
    )
    if found is None:
        raise Refused("这个党支部不在您的管理范围内。", code="scope")
    if not found.holds_people:
        raise Refused(f"{found.name}下面没有直接的党员，请选具体的党支部。")
    if found.closed_on:
        raise Refused(f"{found.name}已经撤销，不能再登记党员。")
    return found


def _require_new_face(member: Member) -> None:
    twins = Member.objects.present().filter(branch=member.branch, name=member.name)
    if member.id_digest:
        # A number of one's own tells two people apart.
        twins = twins.filter(id_digest="")
    if twins.filter(birth_date=member.birth_date).exists():
        born = changes.fact(member, "birth_date")[1]
        born = f"、{born}出生" if born else "、没有填出生日期"
        raise Refused(
            f"{member.branch.name}已经登记过一位{member.name}{born}。是同一个人就不用再登记；"
            "确实是另一个人，请勾上“确实是另一个人”再保存。",
            code="namesake",
        )


def _write(actor: User, member: Member, values: dict) -> None:
    """Put cleaned values on the member; digests and initials follow."""
    before = {name: getattr(member, name) for name in (*DATED, *DAY_OF)}
    for name, value in values.items():
        if name not in EDITABLE and name not in DAY_OF:
            raise TypeError(f"not a field people may change: {name}")
        setattr(member, name, value)
    for name in values.keys() & TEXTS:
        setattr(member, name, " ".join(getattr(member, name).split()))
    if SHORT_HAN.fullmatch(member.name):
        member.name = member.name.replace(" ", "")
    if not member.name:
        raise Refused("请填姓名。")
    if not member.is_floating and member.floating_to:
        raise Refused("填了外出流向，请同时勾上“流动党员”。")
    member.initials = initials(member.name)
    if "id_number" in values:
        _write_id_number(actor, member)
    if "phone" in values:
        _write_phone(member)
    for day, precision in PRECISION_OF.items():
        if precision not in values and getattr(member, day) != before[day]:
            setattr(member, precision, "day")
    changed = [name for name in before if getattr(member, name) != before[name]]
    require_possible_dates(member, [DAY_OF.get(name, name) for name in changed])


def _write_id_number(actor: User, member: Member) -> None:
    member.id_number = clean_id_number(member.id_number)
    if member.id_number and (problem := id_number_problem(member.id_number, timezone.localdate())):
        raise Refused(problem[1], code=problem[0])
    member.id_digest = digest(member.id_number)
    twins = Member.objects.filter(id_digest=member.id_digest).exclude(id_digest="").exclude(pk=member.pk)
    if not member.id_digest or not twins.exists():
        return
    if twin := twins.visible_to(actor).select_related("branch").first():
        if twin.merged_into_id and member.pk == _kept_record(twin).pk:
            _exchange_numbers(member, twin)
            return
        if twin.merged_into_id:
            raise Refused(
                f"这个身份证号是{twin.name}合并重复登记以前的号码。请查到{twin.name}现在的记录，在那里核对。"
            )
        if twin.left_on and not member.pk:
            raise Refused(
                f"这个身份证号是{twin.name}的，{changes.words(twin.left_on)}从{twin.branch.name}离开。"
                "是他回来了，请“登记回来”，不要重新登记：以前的培训还算。",
                code="returning",
            )
        raise Refused(f"这个身份证号已经登记给{twin.branch.name}的{twin.name}，请到那条记录里修改。")
    # Where the other record lies is not this account's business, so the sentence names no place.
    raise Refused("这个身份证号要由上级核对后才能登记。可以先不填身份证号保存，再联系上级党组织。")


def _kept_record(member: Member) -> Member:
    while member.merged_into:
        member = member.merged_into
    return member


def _exchange_numbers(member: Member, gone: Member) -> None:
    """Merging kept the wrong one of two numbers. The other stays with the record that gave way, as before:
    by either an import knows the person."""
    stored = Member.objects.only("id_number", "id_digest").get(pk=member.pk)
    for record, number, told in (
        (gone, "", ""),
        (member, member.id_number, member.id_digest),
        (gone, stored.id_number, stored.id_digest),
    ):
        record.id_number, record.id_digest = number, told
        record.save(update_fields=["id_number", "id_digest"])


def _save(member: Member) -> None:
    try:
        with transaction.atomic():
            member.save()
    except IntegrityError as clash:
        # Two people typed the same number in the same second; the constraint let one through.
        raise Refused("这个身份证号刚刚被登记过，请刷新后再看。", code="id_taken") from clash


def _write_phone(member: Member) -> None:
    member.phone = clean_phone(member.phone)
    if member.phone and (problem := phone_problem(member.phone)):
        raise Refused(problem[1], code=problem[0])
    member.phone_digest, member.phone_tail = digest(member.phone), member.phone[-4:]


def _told(change: dict[str, str]) -> dict[str, str]:
    """One changed field for the history. Of ID number and phone only that they changed."""
    if change["field"] in SECRET:
        return {name: change[name] for name in ("field", "label")}
    return change
