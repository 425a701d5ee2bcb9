"""送学上门 as it happened: the visit, who was taught what, and the wish they spoke of, in one act."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from attendance.models import HomeLesson, Mark, MarkBatch, RosterEntry, Status
from attendance.queries.makeup import common_unit
from attendance.services.exclusively import Also, with_retry
from attendance.services.judging import MarkInput, lock_sheet
from attendance.services.makeup import plan_makeup
from attendance.services.marks import apply_batch
from campaigns.models import Round, ServiceTask, Topic, TrainingSession, Unit
from campaigns.services.locking import lock_units
from campaigns.services.service_tasks import open_task
from campaigns.services.sessions import short
from organizations.id_number import without_numbers
from organizations.models import User
from organizations.service import Refused, service
from organizations.services.writing import insert_once

MOST_PEOPLE = 30
OTHER = "这一页刚才登记的和这次填的不一样，这次没有保存。请重新打开登记。"
TITLE_LENGTH = ServiceTask._meta.get_field("title").max_length or 100


@service(atomic=False)
def record_home_lesson(
    *,
    actor: User,
    entries: Sequence[RosterEntry],
    topics: Sequence[Topic],
    teacher: str,
    starts_at: datetime,
    ends_at: datetime,
    request_uuid: UUID,
    taught: str = "",
    wishes: Mapping[int, str] | None = None,
) -> list[HomeLesson]:
    """A visit that took place: a home class of exactly these people, all of them marked present.

    Settles their debts as any class does. `wishes` by entry. The same `request_uuid` again gives
    the same lessons; with other people or other facts it is refused.
    """
    facts = {
        "teacher": _needed(short(teacher, 50, "谁去送的"), "请写谁去送的学。"),
        "taught": without_numbers(short(taught, 500, "讲了什么")),
    }
    said = {key: without_numbers(short(text, 500, "心愿")) for key, text in (wishes or {}).items()}
    entries = list({entry.pk: entry for entry in entries}.values())
    _refuse(actor, entries)

    def act(also: Also) -> list[HomeLesson]:
        lock_units(_units(entries), also)
        if stored := _stored(actor, entries, request_uuid):
            _refuse_other(stored, {"starts_at": starts_at, "ends_at": ends_at}, facts, said)
            return stored
        told = f"登记送学上门：{len(entries)}人，{facts['teacher']}去的{_heard(said)}"
        session = _plan(
            actor, entries, topics, (starts_at, ends_at), str(facts["teacher"]), request_uuid, told
        )
        _mark_present(actor, session, entries, also, request_uuid)
        facts_of_all = {"session": session, "by": actor, "request_uuid": request_uuid, **facts}
        lessons = [HomeLesson(entry=one, wish=said.get(one.pk, ""), **facts_of_all) for one in entries]
        HomeLesson.objects.bulk_create(lessons)
        return lessons

    return with_retry(act)


@service
def wish_to_task(*, actor: User, lesson: HomeLesson) -> ServiceTask:
    """The wish becomes a service task of the person's unit. Again gives the same task."""
    found = HomeLesson.objects.manageable_by(actor).select_related(
        "entry__unit__organization", "entry__member"
    )
    mine = found.filter(pk=lesson.pk).first()
    if mine is None:
        raise Refused("这条送学记录不在您的管理范围内。", code="scope")
    if not mine.wish:
        raise Refused("这次送学没有记下心愿。", code="no_wish")
    task = open_task(
        actor=actor,
        unit=mine.entry.unit,
        title=mine.wish[:TITLE_LENGTH],
        kind=ServiceTask.Kind.HARDSHIP,
        detail=f"送学上门时听到：{mine.wish}",
        beneficiary=mine.entry.member.name,
        request_uuid=uuid5(mine.request_uuid, f"wish {mine.entry_id}"),
    )
    HomeLesson.objects.filter(pk=mine.pk).update(task=task)
    return task


def _refuse(actor: User, entries: Sequence[RosterEntry]) -> None:
    keys = {entry.pk for entry in entries}
    if not keys:
        raise Refused("请先选送学给谁。", code="nobody")
    if len(keys) > MOST_PEOPLE:
        raise Refused(f"一次送学最多登记{MOST_PEOPLE}人；人多的课请安排场次再点名。", code="too_many")
    if RosterEntry.objects.manageable_by(actor).filter(pk__in=keys).count() != len(keys):
        raise Refused("名单里有不在您管理范围内的人，请重新选。", code="scope")


def _units(entries: Sequence[RosterEntry]) -> set[int]:
    host = common_unit(entries)
    return {entry.unit_id for entry in entries} | ({host.pk} if host else set())


def _stored(actor: User, entries: Sequence[RosterEntry], request_uuid: UUID) -> list[HomeLesson]:
    lessons = list(HomeLesson.objects.filter(request_uuid=request_uuid).select_related("session", "entry"))
    if lessons and {one.entry_id for one in lessons} != {entry.pk for entry in entries}:
        raise Refused(OTHER, code="other_facts")
    if lessons and lessons[0].by_id != actor.pk:
        raise Refused("这个提交编号已经用过，请重新打开登记。", code="key_reuse")
    return lessons


def _refuse_other(lessons: list[HomeLesson], times: dict, facts: dict, said: Mapping[int, str]) -> None:
    for one in lessons:
        stored = [getattr(one.session, name) for name in times], [getattr(one, name) for name in facts]
        if stored != (list(times.values()), list(facts.values())) or one.wish != said.get(one.entry_id, ""):
            raise Refused(OTHER, code="other_facts")


def _plan(
    actor: User,
    entries: Sequence[RosterEntry],
    topics: Sequence[Topic],
    times: tuple[datetime, datetime],
    teacher: str,
    request_uuid: UUID,
    told: str,
) -> TrainingSession:
    host: Unit | None = common_unit(entries)
    if host is None:
        raise Refused("名单里的人不在同一期冬训里，请分开登记。", code="nobody")
    names = "、".join(topic.name for topic in topics)
    return plan_makeup(
        actor=actor,
        unit=host,
        topics=topics,
        entries=entries,
        title=f"送学上门：{names}"[:100],
        starts_at=times[0],
        ends_at=times[1],
        round=Round.HOME,
        lecturer_names=[teacher],
        request_uuid=uuid5(request_uuid, "session"),
        as_act=("home.taught", told),
    )


def _mark_present(
    actor: User,
    session: TrainingSession,
    entries: Sequence[RosterEntry],
    also: Also,
    request_uuid: UUID,
) -> None:
    keys = [entry.pk for entry in entries]
    batch = MarkBatch(
        uuid=uuid5(request_uuid, "marks"),
        session=session,
        account=actor,
        kind=MarkBatch.Kind.HOME,
        body_sha256=f"home:{request_uuid}",
    )
    sheet = lock_sheet(actor, session, also, keys)
    insert_once(batch)
    answer = apply_batch(sheet, batch, [MarkInput(key, Status.PRESENT, base_version=0) for key in keys])
    if len(answer.of(Mark.Outcome.APPLIED)) != len(keys):
        raise Refused("有人所在单位的数据已经上报锁定，不能登记。请先请上级解锁。", code="frozen")


def _heard(wishes: Mapping[int, str]) -> str:
    number = sum(map(bool, wishes.values()))
    return f"，听到{number}个心愿" if number else ""


def _needed(text: str, otherwise: str) -> str:
    if not text:
        raise Refused(otherwise, code="empty")
    return text
