"""Which dates of a member cannot be: the rules a roster is read by, said to whoever types.

A record may have been stored before these rules, or as its township wrote it: only what an
edit touches is judged, so that the rest of such a record may still be corrected.
"""

from collections.abc import Collection
from datetime import date

from django.utils import timezone

from organizations.id_number import OLDEST, born_on, is_adult
from organizations.imports.rows import same_birth
from organizations.imports.values import is_before_adult
from organizations.models import Member
from organizations.service import Refused

DATED = ("birth_date", "joined_party_on", "id_number")
FIRST_YEAR = 1921  # of the Party


def require_possible_dates(member: Member, touched: Collection[str]) -> None:
    """Refuse what these fields of `DATED` now say, alone and beside the others."""
    today = timezone.localdate()
    if "birth_date" in touched and member.birth_date:
        _require_adult(member.birth_date, today)
    joined = member.joined_party_on if "joined_party_on" in touched else None
    if joined and (joined > today or joined.year < FIRST_YEAR):
        raise Refused("入党日期不能晚于今天，也不能早于 1921 年，请核对年份。", code="joined")
    if {"birth_date", "joined_party_on"} & set(touched):
        _require_joined_as_adult(member)
    if {"birth_date", "id_number"} & set(touched):
        _require_as_in_the_number(member)


def _require_adult(birth: date, today: date) -> None:
    if birth > today:
        raise Refused("出生日期不能晚于今天。", code="birth")
    if today.year - birth.year > OLDEST:
        raise Refused("出生日期不合理，请核对年份。", code="birth")
    if not is_adult(birth, today):
        raise Refused("按出生日期算还不满 18 周岁，请核对年份。", code="birth")


def _require_joined_as_adult(member: Member) -> None:
    birth, joined = member.birth_date, member.joined_party_on
    if not (birth and joined):
        return
    if is_before_adult((joined, member.joined_party_precision), (birth, member.birth_precision)):
        raise Refused("入党日期早于 18 周岁，请核对出生日期和入党日期，改对其中写错的一个。", code="joined")


def _require_as_in_the_number(member: Member) -> None:
    """The number's own date is not told: the number may be stored, and is looked at for a reason only."""
    birth, born = member.birth_date, born_on(member.id_number) if member.id_number else None
    if birth and born and not same_birth((birth, member.birth_precision), (born, "day")):
        raise Refused(
            "出生日期与身份证号里的不一致。请对照身份证核对：出生日期写错的，改成身份证上的；"
            "号码抄错的，把身份证号重新填一遍。",
            code="birth",
        )
