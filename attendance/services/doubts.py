"""存疑清单: an officer or inspector says what became of a finding. The only row an inspector writes."""

from attendance.models import DoubtNote
from attendance.queries.doubts import DOUBTS, may_see_doubts
from campaigns.models import Campaign, Unit
from campaigns.services.locking import lock_units
from campaigns.services.sessions import check_open, short
from organizations.id_number import without_numbers
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.writing import insert_once


@service
def note_doubt(*, actor: User, unit: Unit, kind: str, key: str, note: str) -> DoubtNote:
    """看过了, with a word about it. The first note of a finding stands; the same again changes nothing."""
    if not may_see_doubts(actor) or not Unit.objects.visible_to(actor).filter(pk=unit.pk).exists():
        raise Refused("存疑清单只有主管和督查能写说明。", code="scope")
    text = without_numbers(short(note, 200, "说明"))
    if not text:
        raise Refused("请写一句看了以后怎么说，比如“已核对签到表”。", code="note_missing")
    (now,) = lock_units([unit.pk])
    check_open(Campaign.objects.get(pk=now.campaign_id))
    doubt = DOUBTS.get(kind)
    if doubt is None or not doubt.rows(unit).filter(key=key[:80]).exists():
        raise Refused("这一条已经不在清单里了：可能刚改正过。请刷新再看。", code="gone")
    row = DoubtNote(campaign_id=unit.campaign_id, kind=kind, key=key, note=text, by=actor)
    if not insert_once(row):
        return _noted_before(row)
    audit.record(
        actor=actor,
        action="doubt.noted",
        summary=f"存疑“{row.get_kind_display()}”看过了：{text}",
        target=unit,
        organization=unit.organization,
        path=unit.path,
        details={"kind": kind, "key": key},
    )
    return row


def _noted_before(row: DoubtNote) -> DoubtNote:
    facts = {"campaign": row.campaign_id, "kind": row.kind, "key": row.key}
    earlier = DoubtNote.objects.select_related("by").get(**facts)
    if (earlier.by_id, earlier.note) != (row.by_id, row.note):
        raise Refused(f"{earlier.by.name}已经看过了：{earlier.note}", code="noted")
    return earlier
