"""What must hold after a life of phones.py: nothing lost, nothing double, no silent conflict."""

from collections import Counter

from attendance.models import Attendance, Mark
from tests.attendance.phones import Intent, World

# What the log may say of somebody's last word, and what his phone must say then.
STANDS = ("applied", "same")


def troubles(world: World) -> list[str]:
    marks = list(
        Mark.objects.filter(batch__session=world.session)
        .order_by("pk")
        .values(
            "pk",
            "entry",
            "status",
            "reason",
            "before_status",
            "base_version",
            "outcome",
            "marked_at",
            "batch__kind",
        )
    )
    by_intent: dict[str, list[dict]] = {}
    for mark in marks:
        if mark["marked_at"]:
            by_intent.setdefault(f"{mark['marked_at'].isoformat()}/{mark['entry']}", []).append(mark)
    found = [*still_waiting(world)]
    for phone in world.phones:
        for intent in phone.last.values():
            found += lost(world, intent, by_intent)
    found += doubled(world, by_intent, marks)
    found += silent(world, by_intent, marks)
    return found


def still_waiting(world: World) -> list[str]:
    sums = [world.core.count(phone.state, phone.account.pk)["waiting"] for phone in world.phones]
    return [f"{number} marks never left the phone" for number in sums if number]


def lost(world: World, intent: Intent, by_intent) -> list[str]:
    """The last word of each phone on each person is stored, or waits where a person sees it."""
    logged = by_intent.get(f"{intent.at}/{intent.entry}", [])
    outcomes = {mark["outcome"] for mark in logged}
    told = world.core.told(intent.phone.state, intent.phone.account.pk)
    here = [one for one in told if one["entry"] == intent.entry]
    if outcomes & {*STANDS, "held"}:
        return []
    shown = [one for one in here if (one["mine"]["status"], one["mine"]["reason"]) == intent.value]
    if shown:
        world.counts[f"shown as {shown[0]['what']}"] += 1
        return []
    row = Attendance.objects.filter(session=world.session, entry=intent.entry).first()
    if "conflict" in outcomes and (
        agreed_since(world, intent) or (row and (row.status, row.reason) == intent.value)
    ):
        return []
    return [f"lost: {intent.value} of entry {intent.entry}, logged as {outcomes or 'nothing'}, told {here}"]


def agreed_since(world: World, intent: Intent) -> bool:
    """The answer of the conflict got lost; when it came at last, the register already said the same."""
    own = world.core.told(intent.phone.state, intent.phone.account.pk)
    written = Mark.objects.filter(
        batch__session=world.session, entry=intent.entry, status=intent.value[0], reason=intent.value[1]
    )
    return not any(one["entry"] == intent.entry for one in own) and written.filter(outcome="applied").exists()


def doubled(world: World, by_intent, marks) -> list[str]:
    found = []
    for key, logged in by_intent.items():
        applied = [mark for mark in logged if mark["outcome"] == "applied"]
        if len(applied) > 1:
            found.append(f"double: {key} was applied {len(applied)} times")
        sent = [mark for mark in logged if mark["batch__kind"] in ("register", "sync")]
        if len(sent) > 1:
            found.append(f"double: {key} was sent in {len(sent)} batches")
    written = Counter(mark["entry"] for mark in marks if mark["outcome"] == "applied")
    for row in Attendance.objects.filter(session=world.session, entry__in=world.entries):
        if row.version != written[row.entry_id]:
            found.append(
                f"entry {row.entry_id} has version {row.version} after {written[row.entry_id]} writings"
            )
    return found


def silent(world: World, by_intent, marks) -> list[str]:
    """Nobody's value gave way to a phone that had not shown it, or had just sent the same itself."""
    found = []
    writer: dict[int, dict] = {}
    sent: dict[tuple, tuple] = {}  # {(phone, person): what it sent last}
    intent_of = {mark["pk"]: world.intents.get(key) for key, logged in by_intent.items() for mark in logged}
    for mark in marks:
        intent, own = intent_of.get(mark["pk"]), None
        if intent:
            own = sent.get((id(intent.phone), mark["entry"]))
            sent[id(intent.phone), mark["entry"]] = intent.value
        if mark["outcome"] != "applied":
            continue
        before = writer.get(mark["entry"])
        writer[mark["entry"]] = mark
        if intent is None or before is None or before["pk"] in intent.seen:
            continue
        began_anew = mark["base_version"] == 0 and mark["before_status"] in ("", "unmarked")
        theirs = intent_of.get(before["pk"])
        is_own = theirs is not None and theirs.phone is intent.phone
        if not (began_anew or is_own or own == (before["status"], before["reason"])):
            found.append(f"silent: {intent.value} over {before['status']} of {mark['entry']}, unseen")
    return found
