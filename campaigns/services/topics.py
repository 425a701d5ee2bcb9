"""Topics of a campaign. A bit is never given twice: masks on old attendance keep their meaning."""

from django.db.models import Max
from django.utils import timezone

from campaigns.models import Campaign, ProgrammeItem, Stage, Topic
from campaigns.services.campaigns import locked, programme_in_words, record, words, write_names
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import changes


@service
def save_topics(*, actor: User, campaign: Campaign, topics: list[dict]) -> list[Topic]:
    """Write these topics, in this order: {"pk"?, "name", "task", "is_compulsory", "remove"?}.

    `task` is an item's pk or None. Only a row that says `remove` is taken away, and
    none that was taught; topics not named stay, behind the others: somebody added
    them meanwhile. Repeating it with the answer's pks changes nothing.
    """
    campaign = locked(actor, campaign)
    before = programme_in_words(campaign)
    saved = write_topics(campaign, topics)
    summary = f"修改“{campaign.label}”的专题，共{len(saved)}个"
    record(actor, campaign, "campaign.topics", summary, since(campaign, before))
    return saved


@service
def change_topic(*, actor: User, topic: Topic, **fields) -> Topic:
    """Change one topic: name, task, is_compulsory. Repeating it changes nothing but the audit."""
    campaign = locked(actor, topic.campaign)
    rows = [
        {"pk": one.pk, "name": one.name, "task": one.task_id, "is_compulsory": one.is_compulsory}
        for one in Topic.objects.filter(campaign=campaign)
    ]
    row = next((row for row in rows if row["pk"] == topic.pk), None)
    if row is None:
        raise Refused("这个专题刚才被删去了，请刷新页面。", "topic_gone")
    row |= {name: fields[name] for name in ("name", "is_compulsory") if name in fields}
    if "task" in fields:
        row["task"] = fields["task"].pk if fields["task"] else None
    save_topics(actor=actor, campaign=campaign, topics=rows)
    topic.refresh_from_db()
    return topic


@service
def save_programme(
    *,
    actor: User,
    campaign: Campaign,
    groups: dict[int, str],
    items: dict[int, tuple[str, str]],
    topics: list[dict],
) -> None:
    """Step 2 in one piece: all of it is saved or nothing. Repeating it changes nothing but the audit."""
    campaign = locked(actor, campaign)
    before = programme_in_words(campaign)
    write_names(campaign, groups, items)
    saved = write_topics(campaign, topics)
    summary = f"修改“{campaign.label}”的工作法和专题，专题共{len(saved)}个"
    record(actor, campaign, "campaign.programme", summary, since(campaign, before))


def since(campaign: Campaign, before: changes.Facts) -> dict:
    return {"changes": changes.between(before, programme_in_words(campaign))}


def write_topics(campaign: Campaign, rows: list[dict]) -> list[Topic]:
    """The rows of a page onto the topics as they are now. The campaign is locked."""
    known: dict[int | None, Topic] = {topic.pk: topic for topic in Topic.objects.filter(campaign=campaign)}
    before = compulsory_bits(known.values())
    remove_topics(
        campaign, [known.pop(row["pk"]) for row in rows if row.get("remove") and row["pk"] in known]
    )
    rows = [row for row in rows if not row.get("remove")]
    if any(row.get("pk") and row["pk"] not in known for row in rows):
        raise Refused("有一个专题刚才被删去了，请刷新页面再改。", "topic_gone")
    named = {row.get("pk") for row in rows}
    rest = [topic for pk, topic in known.items() if pk not in named]
    check_names([*(row["name"] for row in rows), *(topic.name for topic in rest)])
    write_rows(campaign, known, rows)
    for place, topic in enumerate(rest, start=len(rows) + 1):
        Topic.objects.filter(pk=topic.pk).update(position=place)
    saved = list(Topic.objects.filter(campaign=campaign))
    if campaign.stage != Stage.PREPARING and compulsory_bits(saved) != before:
        campaign.recount_due_at = timezone.now()
        campaign.save(update_fields=["recount_due_at"])
    return saved


def write_rows(campaign: Campaign, known: dict[int | None, Topic], rows: list[dict]) -> None:
    tasks: dict[int | None, ProgrammeItem] = {
        item.pk: item for item in ProgrammeItem.objects.filter(group__campaign=campaign)
    }
    free_names([known[row["pk"]] for row in rows if row.get("pk")])
    for place, row in enumerate(rows, start=1):
        topic = known.get(row.get("pk")) or Topic(campaign=campaign, bit=next_bit(campaign))
        topic.name, topic.position = row["name"].strip(), place
        topic.task = tasks.get(row.get("task"))
        topic.is_compulsory = bool(row["is_compulsory"])
        topic.save()


def compulsory_bits(topics) -> set[int]:
    return {topic.bit for topic in topics if topic.is_compulsory}


def check_names(names: list[str]) -> None:
    names = [words(name, "专题名称") for name in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused(f"专题“{twice[0]}”写了两遍，请删去一个。", "topic_twice")


def remove_topics(campaign: Campaign, gone: list[Topic]) -> None:
    taught = Topic.objects.filter(pk__in=[topic.pk for topic in gone], sessions__isnull=False).first()
    if taught:
        raise Refused(f"专题“{taught.name}”已安排过场次，不能删去；可改为自选专题。", "topic_taught")
    for topic in gone:
        # The highest bit is remembered below, so that it is not given to another topic.
        campaign.last_topic_bit = max(campaign.last_topic_bit, topic.bit)
    if gone:
        campaign.save(update_fields=["last_topic_bit"])
        Topic.objects.filter(pk__in=[topic.pk for topic in gone]).delete()


def free_names(topics: list[Topic]) -> None:
    """Two topics may swap names: the unique constraint sees each row by itself."""
    for topic in topics:
        Topic.objects.filter(pk=topic.pk).update(name=f"~{topic.pk}")


def next_bit(campaign: Campaign) -> int:
    highest = Topic.objects.filter(campaign=campaign).aggregate(bit=Max("bit"))["bit"]
    bit = max(campaign.last_topic_bit, -1 if highest is None else highest) + 1
    if bit >= Topic.MAX:
        raise Refused(f"一期冬训最多设{Topic.MAX}个专题（含删去的），不能再加。", "too_many_topics")
    return bit
