"""People in the class who are no members. In no figure of members; a finished or reported sheet refuses."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.utils import timezone

from campaigns.models import HeadCount, SessionUnit, Stage, Trainee, TraineeCategory
from campaigns.queries.parts import parts_for
from campaigns.services.locking import lock_units
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit

MOST_NAMES = 200
MOST_HEADS = 20_000
LONGEST = 50  # of a name and of a village, as their columns are


@service
def note_trainees(
    *,
    actor: User,
    part: SessionUnit,
    category: str,
    names: Sequence[str],
    request_uuid: UUID,
    village: str = "",
) -> list[Trainee]:
    """Write down by name who came and is no member. The same `request_uuid` again adds nobody; with other
    people it is refused."""
    part = _locked_part(actor, part)
    names = [plain for name in names if (plain := _plain(name))]
    village = _plain(village)[:LONGEST]
    if stored := list(Trainee.objects.filter(request_uuid=request_uuid)):
        told = [(part.pk, category, name, village) for name in names]
        if [(one.part_id, one.category, one.name, one.village) for one in stored] != told:
            raise Refused("这一页刚才已经记下过别的人，这次没有保存。请刷新页面再登记。", code="key_reuse")
        return stored
    _refuse_shut(part)
    if category not in TraineeCategory.values:
        raise Refused("请选择这些人的类别。", code="category")
    if not names:
        raise Refused("请写姓名，几个人用顿号或换行隔开。", code="names")
    if len(names) > MOST_NAMES or any(len(name) > LONGEST for name in names):
        raise Refused(f"一次最多记{MOST_NAMES}人，每个姓名最多{LONGEST}个字。", code="names")
    facts = {"part": part, "category": category, "village": village, "request_uuid": request_uuid}
    people = [Trainee.objects.create(name=name, created_by=actor, **facts) for name in names]
    label = TraineeCategory(category).label
    _audit(actor, part, "trainee.noted", f"记下{label}{len(people)}人（{part.session.title}）")
    return people


@service
def drop_trainee(*, actor: User, trainee: Trainee) -> Trainee:
    """Written down by mistake; it stays in history. Dropping it again changes nothing."""
    part = _locked_part(actor, trainee.part)
    row = Trainee.objects.get(pk=trainee.pk)
    if row.dropped_at is None:
        _refuse_shut(part)
        row.dropped_at = timezone.now()
        row.save(update_fields=["dropped_at"])
        _audit(actor, part, "trainee.dropped", f"删去{row}（{part.session.title}）")
    return row


@service
def count_heads(*, actor: User, part: SessionUnit, heads: Mapping[str, int]) -> int:
    """So many of each category were counted in the room (现场清点). Gives how many numbers changed."""
    part = _open_part(actor, part)
    if set(heads) - set(TraineeCategory.values) or any(not 0 <= n <= MOST_HEADS for n in heads.values()):
        raise Refused(f"现场清点的人数要在0到{MOST_HEADS}之间。", code="heads")
    stored = dict(HeadCount.objects.filter(part=part).values_list("category", "heads"))
    changed = {category: n for category, n in heads.items() if n != stored.get(category, 0)}
    for category, n in changed.items():
        HeadCount.objects.update_or_create(
            part=part, category=category, defaults={"heads": n, "set_by": actor}
        )
    if changed:
        said = "、".join(f"{TraineeCategory(category).label}{n}人" for category, n in changed.items())
        _audit(actor, part, "trainee.counted", f"现场清点：{said}（{part.session.title}）")
    return len(changed)


def _open_part(actor: User, part: SessionUnit) -> SessionUnit:
    """The part under the lock of its unit, where it may still be written."""
    part = _locked_part(actor, part)
    _refuse_shut(part)
    return part


def _locked_part(actor: User, part: SessionUnit) -> SessionUnit:
    if part.pk not in {mine.pk for mine in parts_for(part.session, actor, to_write=True)}:
        raise Refused("您不负责登记这个场次。", code="scope")
    lock_units([part.unit_id])
    return SessionUnit.objects.select_related("unit", "session__campaign").get(pk=part.pk)


def _refuse_shut(part: SessionUnit) -> None:
    if not part.session.is_valid:
        raise Refused("这一场已经取消或作废，不能登记。", code="cancelled")
    if not part.session.day_has_come:
        raise Refused("还没到上课的日子，当天再登记。", code="future")
    if part.session.campaign.stage != Stage.OPEN:
        raise Refused("这次冬训不在进行中，不能登记。", code="closed")
    if part.closed_at:
        raise Refused("这张登记表已经完成登记。要改，请先重新打开。", code="part_closed")
    if part.unit.frozen_at:
        raise Refused("本单位的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _audit(actor: User, part: SessionUnit, action: str, summary: str) -> None:
    audit.record(actor=actor, action=action, summary=summary, target=part.session, path=part.unit.path)
