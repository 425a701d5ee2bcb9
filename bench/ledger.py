#!/usr/bin/env python3
"""Lists at a province's size: of the ledger (/admin/), and of whom something is still wanted.

    python bench/ledger.py [--members 1000000] [--rounds 5] [--only 补课] [--part ledger|lists]

With DATABASE_URL of a PostgreSQL that holds the demo it measures there, as often as
you like; else it loads the demo first, into a server of its own. The demo has no
contacts, visits, leaves, guests or sendings: they are added to it, once. Asked as the
officer of the province and of a district, and as the organizer of a township: the first
page, one far behind, a search. Processor time of this process and of the database's,
the median of the rounds.
"""
# ruff: noqa: S608 - statements are made of our own columns, never of input

import argparse
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from urllib.parse import urlencode

import django
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from province import BACKEND, ROOT, accounts, load, manage, measure, next_page, postgres

MOST = {"province": 500, "district": 500, "township": 200}  # ms of processor time for one list
SLOW = 3000  # ms: asked once, not five times
FAR = 100
BRANCH = re.compile(r"(after=)([0-9A-Z]{8,})(?=\.)")

# --- What the demo lacks: {what: statement}; chosen by id, so that it is the same again ---------------
OPEN = "(SELECT id FROM campaigns_campaign WHERE stage = 'OPEN' ORDER BY id DESC LIMIT 1)"
RARE = {
    "联系": f"""INSERT INTO attendance_contactlog (entry_id, day, how, content, by_id, at, request_uuid)
        SELECT e.id, current_date - ((e.id * 37 + n * 11) % 60)::int, 'PHONE', '', 1, now(), gen_random_uuid()
        FROM attendance_rosterentry e, generate_series(1, 2) n
        WHERE e.campaign_id = {OPEN} AND e.is_floating AND e.id % 5 < 3""",
    "只报人数": """UPDATE campaigns_sessionunit SET counted_heads = 20
        WHERE closed_at IS NULL AND due_at < now()
        AND (recorded_at IS NULL AND id % 10 = 0 OR id % 50 = 0)""",
    "同时在两处": f"""INSERT INTO attendance_attendance (session_id, session_unit_id, entry_id, unit_id, part,
            status, reason, minutes, minutes_set, held_on, topic_mask, round, counts, version)
        SELECT other.id, p.id, a.entry_id, a.unit_id, 'VISITOR', 'present', '', 0, false, a.held_on,
            other.topic_mask, 'MAKE_UP', true, 1
        FROM campaigns_trainingsession s JOIN attendance_attendance a ON a.session_id = s.id
        CROSS JOIN LATERAL (SELECT o.* FROM campaigns_trainingsession o WHERE o.campaign_id = s.campaign_id
            AND o.starts_at = s.starts_at AND o.id > s.id AND o.host_id <> s.host_id
            ORDER BY o.id LIMIT 1) other
        CROSS JOIN LATERAL (SELECT id FROM campaigns_sessionunit p WHERE p.session_id = other.id
            AND p.recorded_at IS NOT NULL ORDER BY id LIMIT 1) p
        WHERE s.campaign_id = {OPEN} AND a.status = 'present' AND a.id % 2000 = 0 ON CONFLICT DO NOTHING""",
    "离开以后": """UPDATE organizations_member SET left_on = current_date - 25, left_reason = '出国定居'
        WHERE left_on IS NULL AND id % 1000 = 7""",
    "补登太晚": """UPDATE campaigns_sessionunit SET recorded_at = recorded_at + interval '10 days'
        WHERE recorded_at IS NOT NULL AND id % 200 = 0""",
    "送学": """INSERT INTO attendance_homelesson (entry_id, session_id, teacher, taught, wish,
            by_id, at, request_uuid)
        SELECT entry_id, session_id, '测量', '', CASE WHEN id % 10 = 0 THEN '想要一副老花镜' ELSE '' END,
            1, now(), gen_random_uuid()
        FROM attendance_attendance WHERE round = 'HOME' AND status = 'present'""",
    "外来人员": """INSERT INTO attendance_guest (part_id, name, says_from, created_by_id,
            created_at, request_uuid)
        SELECT p.id, m.name, '外县', 1, now(), gen_random_uuid()
        FROM campaigns_sessionunit p JOIN organizations_member m ON m.id = p.id
        WHERE p.recorded_at IS NOT NULL AND p.id % 50 = 0""",
    "请假": f"""INSERT INTO attendance_leave (entry_id, reason, since, until, is_period,
            set_by_id, set_at, request_uuid)
        SELECT id, 'PRIVATE', current_date + (id % 40 - 20)::int, current_date + (id % 40 - 13)::int, true,
            1, now(), gen_random_uuid()
        FROM attendance_rosterentry WHERE campaign_id = {OPEN} AND id % 50 = 3""",
    "登记批次": f"""INSERT INTO attendance_markbatch (uuid, session_id, account_id, kind, body_sha256,
            unread, part_id, at)
        SELECT gen_random_uuid(), p.session_id, 1, 'register', '', '', p.id, p.recorded_at
        FROM campaigns_sessionunit p JOIN campaigns_trainingsession s ON s.id = p.session_id
        WHERE s.campaign_id = {OPEN} AND p.recorded_at IS NOT NULL AND s.id % 5 = 0""",
    "登记": """INSERT INTO attendance_mark (batch_id, entry_id, status, reason, before_status, before_reason,
            before_minutes_set, base_version, version_after, outcome, code)
        SELECT b.id, a.entry_id, a.status, a.reason, '', '', false, 0, 1,
            CASE a.id % 1000 WHEN 0 THEN 'held' WHEN 1 THEN 'conflict' ELSE 'applied' END, ''
        FROM attendance_markbatch b JOIN attendance_attendance a ON a.session_unit_id = b.part_id
        WHERE a.status <> 'unmarked' ON CONFLICT DO NOTHING""",
}


def add_rare() -> None:
    """All of it or nothing, then the figures again by the project's own rebuild."""
    from attendance.models import ContactLog  # noqa: PLC0415 only now are the settings there

    if ContactLog.objects.exists():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for name, sql in RARE.items():
            cursor.execute(sql)
            print(f"  {cursor.rowcount:9} {name}", flush=True)
    manage("rebuild_tallies")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("RESET statement_timeout")


# --- What is asked ---------------------------------------------------------------------------------
Pages = Iterator[tuple[str, str]]


def ledger(client: Client, user, only: str) -> Pages:
    """(name, address) of what the account's ledger offers."""
    from django.contrib import admin  # noqa: PLC0415

    for model in admin.site._registry:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        name = str(model._meta.verbose_name)
        if only not in f"{name}，第{FAR}页，找“王”" or client.get(url).status_code != 200:
            continue
        yield from [(name, url), (f"{name}，第{FAR}页", f"{url}?p={FAR}"), (f"{name}，找“王”", f"{url}?q=王")]


def lists(client: Client, user, only: str) -> Pages:
    """The lists that shrink to nothing, doubts, hours, sendings: each with a page in the middle of it."""
    from attendance.queries.doubts import DOUBTS, may_see_doubts  # noqa: PLC0415
    from campaigns.queries import current_campaign, home_unit  # noqa: PLC0415

    campaign = current_campaign(user)
    unit = home_unit(user, campaign)
    somebody, session, topic = _examples(campaign, unit)

    def at(name: str, of=campaign, **query) -> str:
        return reverse(f"attendance:{name}", args=[of.pk]) + (f"?{urlencode(query)}" if query else "")

    surname, name = somebody.member.name[0], somebody.member.name
    asked = [
        ("待补课", at("makeup_list")),
        ("待补课，一个专题", at("makeup_list", topic=topic.pk)),
        ("待补课，7天内到期", at("makeup_list", due="soon")),
        ("待补课，已经过期", at("makeup_list", due="over")),
        ("待补课，找姓", at("makeup_list", q=surname)),
        ("待补课，找姓名", at("makeup_list", q=name)),
        ("本支部还没开过", at("makeup_list", list="untaught")),
        ("本支部还没开过，一个专题", at("makeup_list", list="untaught", topic=topic.pk)),
        ("一次都没参加的", at("never_list")),
        ("一次都没参加的，找姓", at("never_list", q=surname)),
        *(
            (f"送学上门，{state}", at("home_list", state=state))
            for state in ("all", "waiting", "taught", "wish")
        ),
        ("送学上门，找姓", at("home_list", q=surname)),
        *(
            (f"流动联系，{state}", at("contact_list", state=state))
            for state in ("all", "due", "never", "late")
        ),
        ("流动联系，没定联系人", at("contact_list", state="nobody")),
        ("流动联系，找姓", at("contact_list", q=surname)),
        ("补不齐的", at("late_list")),
        ("补不齐的，找姓", at("late_list", q=surname)),
        ("待补名单", at("heads_list")),
        ("待补名单，找名称", at("heads_list", q="第一课")),
        ("请假", at("leave_list")),
        ("请假，全部", at("leave_list", state="all")),
        ("外来人员认领", at("guest_list")),
        ("学时", at("hours_list")),
        ("学时，还没学够", at("hours_list", state="short")),
        ("学时，学够了", at("hours_list", state="enough")),
        ("学时，找姓", at("hours_list", q=surname)),
        ("学时，一个人", at("entry_hours", somebody)),
        ("学时，一个人历年", at("member_hours", somebody.member)),
        ("一个人", at("entry_detail", somebody)),
        ("登记记录，一场", at("batch_list", session)),
        ("名册变动记录", at("roster_history")),
        ("确认名册", at("roster_confirm")),
        ("没有确认名册的", at("roster_unconfirmed")),
        ("等着解锁的登记", at("waiting_marks", what="held")),
        ("没完成的登记表", at("unfinished_parts")),
        ("结束冬训", at("campaign_end")),
    ]
    if may_see_doubts(user):
        asked += [(f"存疑，{kind}", at("doubt_list", kind=kind)) for kind in DOUBTS]
        asked += [("存疑，看过的", at("doubt_list", seen=1))]
    for name, url in asked:
        if only not in name or client.get(url, follow=True).status_code == 404:
            continue
        yield name, url
        if link := next_page(client, url):
            yield f"{name}，中间一页", BRANCH.sub(_in_the_middle(unit), link)


def _in_the_middle(unit):
    """The same address, but from a branch in the middle of the unit on."""
    from attendance.models import Tally  # noqa: PLC0415
    from organizations.tree import within  # noqa: PLC0415

    paths = Tally.objects.filter(within("path", unit.path), campaign=unit.campaign_id).order_by("path")
    middle = paths.values_list("path", flat=True)[paths.count() // 2]
    return rf"\g<1>{middle}"


def _examples(campaign, unit):
    """Somebody of the unit with a debt, the class with most sendings there, and a topic."""
    from django.db.models import Count  # noqa: PLC0415

    from attendance.models import MarkBatch, RosterEntry, Standing  # noqa: PLC0415
    from attendance.queries import compulsory_topics  # noqa: PLC0415
    from attendance.queries.people import OWING  # noqa: PLC0415
    from campaigns.models import TrainingSession  # noqa: PLC0415
    from campaigns.queries import inside  # noqa: PLC0415

    owing = Standing.objects.filter(inside(unit), OWING).order_by("unit__path", "entry_id")
    somebody = RosterEntry.objects.select_related("member").get(pk=owing.first().pk)
    most = MarkBatch.objects.filter(inside(unit, "session__host")).values("session").annotate(n=Count("pk"))
    session = TrainingSession.objects.get(pk=most.order_by("-n", "session").first()["session"])
    return somebody, session, compulsory_topics(campaign)[0]


PARTS = {"ledger": ledger, "lists": lists}


def report(rounds: int, only: str, parts: list[str], levels: list[str]) -> bool:
    missed = False
    with connection.cursor() as cursor:
        # Parallel workers are processes of their own: their time would be seen by nobody.
        cursor.execute("SET max_parallel_workers_per_gather = 0")
    with accounts() as users:
        for user, (level, most) in zip(users, MOST.items(), strict=True):
            if level not in levels:
                continue
            client = Client(raise_request_exception=False)
            client.force_login(user, backend=BACKEND)
            print(f"\n{user.organization.name}，{user.get_role_display()}，{most} ms")
            found = (page for part in parts for page in PARTS[part](client, user, only))
            for name, url in found:
                if only in name:
                    missed |= _print(name, url, client, rounds, most)
    return missed


def _print(name: str, url: str, client: Client, rounds: int, most: int) -> bool:
    it = measure(client, url, 1)
    if it.ms < SLOW and rounds > 1:
        it = measure(client, url, rounds)
    word = "FAILED" if it.status != 200 else "" if it.cpu <= most else "MISSED"
    print(f"  {it.cpu:6.0f} ms cpu  {it.ms:6.0f} ms  {it.queries:3} queries  {name}  {word}", flush=True)
    return bool(word)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="pages whose name holds this")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--level", choices=MOST, action="append")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="haizhou-bench-"))
        os.environ.setdefault("DATA_DIR", folder)
        os.environ |= {"DEMO": "1", "DEBUG": "0", "LOG_LEVEL": "ERROR"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "haizhou_training.settings"
        os.environ.pop("REDIS_URL", None)
        if "DATABASE_URL" not in os.environ:
            os.environ["DATABASE_URL"] = stack.enter_context(postgres().running(postgres().DURABLE)).url
        sys.path.insert(0, str(ROOT))
        django.setup()
        call_command("collectstatic", interactive=False, verbosity=0)
        load(asked.members)
        add_rare()
        sys.exit(report(asked.rounds, asked.only, asked.part or list(PARTS), asked.level or list(MOST)))


if __name__ == "__main__":
    main()
