"""An independent recount of one campaign: plain Python over raw rows, sharing no code with the services."""

from collections import Counter

CAME = {"present", "late", "left_early", "online", "elsewhere"}


def people(campaign):
    """What the standing of every entry must be, by entry pk."""
    topics = {t.bit: t.is_compulsory for t in campaign.topics.all()}
    answer = {}
    for entry in campaign.entries.prefetch_related("rows"):
        rows = sorted(entry.rows.all(), key=lambda row: row.held_on)
        counted = [r for r in rows if r.counts and r.status in CAME]
        expected = [r for r in rows if r.counts and r.part == "EXPECTED"]
        learned = {}
        learned_first = {}
        for row in counted:
            for bit in topics:
                if row.topic_mask >> bit & 1:
                    learned.setdefault(bit, row.held_on)
                    if row.round == "FIRST":
                        learned_first.setdefault(bit, row.held_on)
        missed = {
            bit
            for r in expected
            if r.status in {"leave", "absent"}
            for bit in topics
            if r.topic_mask >> bit & 1
        }
        must = [bit for bit, compulsory in topics.items() if compulsory]
        first = [r for r in counted if r.round == "FIRST"]
        answer[entry.pk] = {
            "unit_id": entry.unit_id,
            "required": entry.required,
            "left": entry.left_on is not None,
            "is_floating": entry.is_floating,
            "is_home_bound": entry.is_home_bound,
            "first_on": met(campaign, entry, first, learned_first, must),
            "trained_on": met(campaign, entry, counted, learned, must),
            "home_on": min((r.held_on for r in counted if r.round == "HOME"), default=None),
            "done_on": finished(must, learned, counted),
            "minutes": sum(r.minutes for r in counted),
            "attended": len(counted),
            "absent": sum(r.status == "absent" for r in expected),
            "leave": sum(r.status == "leave" for r in expected),
            "unmarked": sum(r.status == "unmarked" for r in expected),
            "debts": sum(bit not in learned for bit in must) if entry.required else 0,
            "topic_mask": sum(1 << bit for bit in learned),
            "missed_mask": sum(1 << bit for bit in must if bit in missed) if entry.required else 0,
            "makeup_mask": sum(1 << bit for bit in must if bit not in learned and bit in missed)
            if entry.required
            else 0,
        }
        answer[entry.pk]["why"] = reason(campaign, entry, rows, answer[entry.pk])
    return answer


def finished(must, learned, counted):
    if not must:
        return min((r.held_on for r in counted), default=None)
    return max(learned[bit] for bit in must) if all(bit in learned for bit in must) else None


def met(campaign, entry, rows, learned, must):
    any_day = min((r.held_on for r in rows), default=None)
    if not entry.required or campaign.trained_rule == "ANY":
        return any_day
    if campaign.trained_rule == "COMPULSORY":
        return finished(must, learned, rows)
    per_day = Counter()
    for row in rows:
        per_day[row.held_on] += row.minutes
    total = 0
    for day in sorted(per_day):
        total += per_day[day]
        if total >= entry.hours_target * campaign.minutes_per_hour:
            return day
    return None


def reason(campaign, entry, rows, standing):
    if not entry.required or entry.left_on or standing["trained_on"]:
        return ""
    if standing["absent"]:
        return "ABSENT"
    if entry.is_floating:
        return "FLOATING"
    if entry.is_home_bound:
        return "HOME_BOUND"
    if standing["leave"]:
        return "LEAVE"
    if standing["unmarked"]:
        return "UNMARKED"
    if any(row.status in CAME for row in rows):
        return "SHORT"
    return "NEW" if entry.joined_on > campaign.roster_drawn_on else "NO_SESSION"


def sheets(campaign):
    """What the tally of every recorded part must be, by part pk."""
    answer = {}
    for session in campaign.sessions.prefetch_related("parts__rows").select_related("form"):
        counts = session.form.counts and session.voided_at is None and session.cancelled_at is None
        for part in session.parts.all():
            if part.recorded_at is None:
                continue
            rows = list(part.rows.all())
            expected = [r for r in rows if r.part == "EXPECTED"]
            tally = Counter(r.status for r in expected)
            answer[part.pk] = {
                "unit_id": part.unit_id,
                "counts": counts,
                "topic_mask": sum(1 << topic.bit for topic in part.session.topics.all()),
                "expected": len(expected),
                "attended": sum(tally[s] for s in CAME),
                "late": tally["late"],
                "leave": tally["leave"],
                "absent": tally["absent"],
                "unmarked": tally["unmarked"],
                "optional": sum(r.part == "OPTIONAL" and r.status in CAME for r in rows),
                "visitors": sum(r.part == "VISITOR" and r.status in CAME for r in rows),
                "minutes": sum(r.minutes for r in rows if r.status in CAME),
            }
    return answer


def branches(campaign):
    """What the tally of every people-holding unit must be, by unit pk."""
    standings, parts = people(campaign), sheets(campaign)
    answer = {}
    kinds = {"BRANCH", "JOINT_BRANCH", "TEMPORARY_BRANCH", "FLOATING_BRANCH"}
    for unit in campaign.units.filter(kind__in=kinds):
        here = [s for s in standings.values() if s["unit_id"] == unit.pk and not s["left"]]
        due = [s for s in here if s["required"]]
        waived = [s for s in here if not s["required"]]
        untrained = Counter(s["why"] for s in due if not s["trained_on"])
        held = [p for p in parts.values() if p["unit_id"] == unit.pk and p["counts"]]
        answer[unit.pk] = {
            "path": unit.path,
            "members": len(here),
            "due": len(due),
            "waived": len(waived),
            "first": sum(s["first_on"] is not None for s in due),
            "trained": sum(s["trained_on"] is not None for s in due),
            "waived_trained": sum(s["trained_on"] is not None for s in waived),
            "home": sum(s["home_on"] is not None for s in due),
            "waived_home": sum(s["home_on"] is not None for s in waived),
            "done": sum(s["done_on"] is not None for s in due),
            "debts": sum(s["debts"] for s in due),
            "owed": sum(s["missed_mask"] > 0 for s in due),
            "owing": sum(s["makeup_mask"] > 0 for s in due),
            "never": sum(not s["attended"] for s in due),
            "floating": sum(s["is_floating"] for s in here),
            "home_waiting": sum(
                (s["is_home_bound"] or not s["required"]) and s["home_on"] is None for s in here
            ),
            "taught_mask": covered(p["topic_mask"] for p in held),
            "minutes": sum(s["minutes"] for s in due),
            **{
                f"why_{code.lower()}": untrained[code]
                for code in (
                    "ABSENT",
                    "FLOATING",
                    "HOME_BOUND",
                    "LEAVE",
                    "UNMARKED",
                    "SHORT",
                    "NO_SESSION",
                    "NEW",
                )
            },
            **{
                name: sum(p[name] for p in held)
                for name in ("expected", "attended", "leave", "absent", "unmarked", "optional", "visitors")
            },
        }
    return answer


def covered(masks):
    answer = 0
    for mask in masks:
        answer |= mask
    return answer


def assert_derived_rows_are_true(campaign):
    """Every derived row equals this recount; no figure exceeds its denominator."""
    campaign.refresh_from_db()
    for session in campaign.sessions.all():
        due = None if session.cancelled_at or session.voided_at else session.ends_at
        assert {part.due_at for part in session.parts.all()} == {due}, session
    for model_rows, truth in (
        ({s.pk: s for s in campaign.standings.all()}, people(campaign)),
        ({t.pk: t for s in campaign.sessions.all() for t in s.tallies.all()}, sheets(campaign)),
        ({t.pk: t for t in campaign.tallies.all()}, branches(campaign)),
    ):
        assert set(model_rows) == set(truth)
        for pk, wanted in truth.items():
            stored = {name: getattr(model_rows[pk], name) for name in wanted}
            assert stored == wanted
    for tally in campaign.tallies.all():
        assert tally.first <= tally.trained <= tally.due <= tally.members == tally.due + tally.waived
        assert tally.done <= tally.due and tally.owing <= tally.due
        assert tally.attended + tally.leave + tally.absent + tally.unmarked == tally.expected
