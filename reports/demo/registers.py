"""Who is on the roster and who came, made inside the database by the same statements for every size.

`dice` throws the same numbers in both databases: one per person is the habit
(floating people away, a few who never come), one per person and class is the day.
"""
# ruff: noqa: S608 - statements are made of our own columns and whole numbers, never of input

from dataclasses import dataclass

from attendance.models import Attendance, RosterEntry, RosterStay, Waiver
from campaigns.models import Campaign, SessionUnit
from reports.demo import bulk
from reports.demo.bulk import dice

MISSED = "('leave', 'absent')"
CAME = "('present', 'late', 'left_early', 'online', 'elsewhere')"
# Who came to the branch after a finished winter began was not on its roster.
ON_ROSTER = """FROM organizations_member m JOIN campaigns_unit u ON u.organization_id = m.branch_id
    JOIN campaigns_campaign c ON c.id = u.campaign_id WHERE u.campaign_id = %(campaign)s
    AND (%(open)s OR m.branch_since IS NULL OR m.branch_since <= c.starts_on) ORDER BY m.id"""
WAIVED = """FROM attendance_rosterentry e JOIN campaigns_unit u ON u.id = e.unit_id
    JOIN organizations_organization o ON o.path = substr(u.path, 1, %(township)s)
    JOIN organizations_user a ON a.organization_id = o.id AND a.role = 'ORGANIZER'
    WHERE e.campaign_id = %(campaign)s AND NOT e.required ORDER BY e.id"""


@dataclass(frozen=True)
class Habits:
    """Chances in thousandths: what differs between a finished winter and one in full swing."""

    away_online: int  # floating people who take part from where they are
    away_back: int  # of those who missed: home for the make-up class
    missed_back: int  # everybody else who missed
    taught_at_home: int
    forgotten: int  # marks missing in a sheet that is still open


FINISHED = Habits(away_online=330, away_back=450, missed_back=720, taught_at_home=960, forgotten=0)
RUNNING = Habits(away_online=170, away_back=120, missed_back=560, taught_at_home=620, forgotten=40)


class Registers:
    def __init__(self, campaign: Campaign, habits: Habits, seed: int, is_open: bool, township_path: int):
        self.campaign, self.habits, self.seed, self.is_open = campaign, habits, seed, is_open
        self.params = {
            "township": township_path,
            "campaign": campaign.pk,
            "open": is_open,
            "yes": True,
            "no": False,
        }

    def chance(self, person: str, other: str, purpose: int) -> str:
        return dice(person, other, self.seed * 1009 + purpose * 7919 + self.is_open * 104_729)

    # --- Roster -----------------------------------------------------------------------------
    def draw(self) -> None:
        """Entries, stays, waivers; dated by the campaign's first day, as `open_campaign` does."""
        bulk.insert_select(RosterEntry, self.entry_columns(), ON_ROSTER, self.params)
        bulk.insert_select(
            RosterStay,
            {"entry": "e.id", "unit": "e.unit_id", "since": "e.joined_on"},
            "FROM attendance_rosterentry e WHERE e.campaign_id = %(campaign)s ORDER BY e.id",
            self.params,
        )
        bulk.insert_select(
            Waiver,
            {"entry": "e.id", "reason": self.reason(), "since": "e.joined_on", "set_by": "a.id"},
            WAIVED,
            self.params,
        )
        bulk.execute(
            "UPDATE campaigns_campaign SET roster_drawn_on = starts_on WHERE id = %(campaign)s", self.params
        )

    def entry_columns(self) -> dict[str, str]:
        bed, ill = dice("m.id", "1", self.seed), dice("m.id", "2", self.seed)
        waived = f"m.is_home_bound AND {bed} < 850 OR {ill} < 5"
        return {
            "campaign": "%(campaign)s",
            "member": "m.id",
            "unit": "u.id",
            "category": "m.category",
            "post": "m.post",
            "is_floating": "m.is_floating",
            "is_home_bound": "m.is_home_bound",
            "hours_target": "CASE WHEN m.post <> '' THEN c.hours_secretary ELSE c.hours_member END",
            "required": f"CASE WHEN {waived} THEN %(no)s ELSE %(yes)s END",
            "joined_on": "CASE WHEN m.branch_since > c.starts_on THEN m.branch_since ELSE c.starts_on END",
            "is_open": "%(open)s",
        }

    def reason(self) -> str:
        chance = dice("e.member_id", "3", self.seed)
        return f"""CASE WHEN NOT e.is_home_bound THEN CASE WHEN {chance} < 600 THEN 'ILLNESS' ELSE 'CARE' END
            WHEN {chance} < 600 THEN 'OLD_AGE' WHEN {chance} < 900 THEN 'IMMOBILE' ELSE 'INCAPACITY' END"""

    # --- Sheets -----------------------------------------------------------------------------
    def hold(self, waves: dict[int, tuple[int, int]]) -> None:
        """Everybody first; then those named for kick-off, home teaching and make-up, wave by wave."""
        self.write_rows(waves[0], self.everybody(), self.status())
        bulk.analyze(Attendance)
        for wave in sorted(waves)[1:]:
            self.name_people(waves[wave])
            self.write_rows(waves[wave], self.named(), self.status_of_named())
        self.add_visitors(waves[0])
        self.count_heads(waves[0])

    def everybody(self) -> str:
        return (
            "JOIN attendance_rosterstay y ON y.unit_id = p.unit_id AND y.since <= h.held_on "
            "AND y.until IS NULL JOIN attendance_rosterentry e ON e.id = y.entry_id"
        )

    def named(self) -> str:
        return (
            "JOIN campaigns_sessionunit_named_members n ON n.sessionunit_id = p.id "
            "JOIN attendance_rosterentry e ON e.member_id = n.member_id AND e.campaign_id = %(campaign)s"
        )

    def status(self) -> str:
        """What a person does on the day, by habit and chance."""
        return f"""CASE
            WHEN NOT t.required THEN CASE WHEN t.day < 280 THEN 'present' ELSE 'unmarked' END
            WHEN t.is_open AND t.gap < {self.habits.forgotten * 4} THEN 'unmarked'
            WHEN t.is_floating AND t.habit < {self.habits.away_online} AND t.day < 650
                THEN CASE WHEN t.day < 420 THEN 'online' ELSE 'elsewhere' END
            WHEN t.is_floating THEN CASE WHEN t.day < 970 THEN 'leave' ELSE 'absent' END
            WHEN t.is_home_bound THEN CASE WHEN t.day < 150 THEN 'present' ELSE 'leave' END
            WHEN t.habit < 7 THEN CASE WHEN t.day < 500 THEN 'absent' ELSE 'leave' END
            WHEN t.habit < 60 AND t.day < 420 THEN CASE WHEN t.day < 180 THEN 'leave' ELSE 'absent' END
            WHEN t.day < 26 THEN 'leave' WHEN t.day < 38 THEN 'absent'
            WHEN t.day < 53 THEN 'late' WHEN t.day < 58 THEN 'left_early'
            ELSE 'present' END"""

    def status_of_named(self) -> str:
        """Who was called by name mostly comes; the teacher who goes home finds people in."""
        return """CASE WHEN t.round = 'HOME' THEN 'present'
            WHEN t.gap < 60 THEN 'leave' WHEN t.gap < 90 THEN 'absent'
            WHEN t.gap < 110 THEN 'late' ELSE 'present' END"""

    def write_rows(self, ids: tuple[int, int], people: str, status: str) -> int:
        """Rows of every recorded part of these sessions. The fences keep each die from being thrown twice."""
        thrown = f"""SELECT h.*, p.id AS part_id, p.unit_id, p.closed_at IS NULL AS is_open, e.id AS entry_id,
            e.required, e.is_floating, e.is_home_bound,
            {self.chance("e.member_id", "0", 1)} AS habit,
            {self.chance("e.member_id", "h.session_id", 2)} AS day,
            {self.chance("e.member_id", "h.session_id", 3)} AS gap,
            {self.chance("e.member_id", "h.session_id", 5)} AS luck
            FROM ({self.sessions()}) h JOIN campaigns_sessionunit p ON p.session_id = h.session_id {people}
            WHERE p.recorded_at IS NOT NULL {bulk.fence()}"""
        columns = {
            "session": "r.session_id",
            "session_unit": "r.part_id",
            "entry": "r.entry_id",
            "unit": "r.unit_id",
            "part": "CASE WHEN r.required THEN 'EXPECTED' ELSE 'OPTIONAL' END",
            "status": "r.status",
            "reason": REASON,
            "minutes": f"CASE WHEN r.hours AND r.status IN {CAME} THEN r.minutes ELSE 0 END",
            "held_on": "r.held_on",
            "topic_mask": "r.topic_mask",
            "round": "r.round",
            "counts": "r.counts",
            "version": "CASE WHEN r.status = 'unmarked' THEN 0 ELSE 1 END",
        }
        source = f"FROM (SELECT t.*, {status} AS status FROM ({thrown}) t {bulk.fence()}) r"
        return bulk.insert_select(Attendance, columns, source, self.span(ids))

    def sessions(self) -> str:
        return f"""SELECT s.id AS session_id, s.host_id, s.topic_mask, s.round, s.minutes, f.counts,
            f.hours_rule <> 'NONE' AS hours, f.code = 'TOUR' AS is_tour,
            {bulk.local_day("s.starts_at")} AS held_on
            FROM campaigns_trainingsession s JOIN campaigns_trainingform f ON f.id = s.form_id
            WHERE s.id BETWEEN %(first)s AND %(last)s"""

    def span(self, ids: tuple[int, int]) -> dict:
        return {**self.params, "first": ids[0], "last": ids[1]}

    # --- People called by name ----------------------------------------------------------------
    def name_people(self, ids: tuple[int, int]) -> None:
        """Officers for the kick-off, the home-bound for home teaching, who missed a class for its make-up."""
        luck, habits = self.chance("e.member_id", "h.session_id", 6), self.habits
        back = f"CASE WHEN e.is_floating THEN {habits.away_back} ELSE {habits.missed_back} END"
        self.call(
            ids,
            f"""FROM ({self.sessions()}) h JOIN campaigns_sessionunit p ON p.session_id = h.session_id
            JOIN attendance_rosterentry e ON e.unit_id = p.unit_id WHERE e.joined_on <= h.held_on AND (
                h.round = 'FIRST' AND e.post <> ''
                OR h.round = 'HOME' AND e.is_home_bound AND {luck} < {habits.taught_at_home})""",
        )
        self.call(
            ids,
            f"""FROM ({self.sessions()}) h JOIN campaigns_sessionunit p ON p.session_id = h.session_id
            JOIN attendance_rosterentry e ON e.unit_id = p.unit_id
            JOIN attendance_attendance a ON a.entry_id = e.id
            WHERE h.round = 'MAKE_UP' AND e.required AND {self.missed()} AND {luck} < {back}""",
        )
        self.drop_empty(ids)

    def call(self, ids: tuple[int, int], whom: str) -> None:
        columns = {"sessionunit": "p.id", "member": "e.member_id"}
        bulk.insert_select(
            SessionUnit.named_members.through, columns, f"{whom} GROUP BY p.id, e.member_id", self.span(ids)
        )

    def missed(self) -> str:
        """A topic of this class was missed before, and no second chance has covered it since."""
        return f"""a.counts AND a.round = 'FIRST' AND a.status IN {MISSED} AND a.held_on < h.held_on
            AND (a.topic_mask & h.topic_mask) <> 0
            AND NOT EXISTS (SELECT 1 FROM attendance_attendance b WHERE b.entry_id = a.entry_id AND b.counts
                AND b.round <> 'FIRST' AND b.status IN {CAME} AND (b.topic_mask & a.topic_mask) <> 0)"""

    def drop_empty(self, ids: tuple[int, int]) -> None:
        """Parts nobody was named for, then classes without parts."""
        span = self.span(ids)
        bulk.execute(
            "DELETE FROM campaigns_sessionunit WHERE session_id BETWEEN %(first)s AND %(last)s "
            "AND NOT EXISTS (SELECT 1 FROM campaigns_sessionunit_named_members n "
            "WHERE n.sessionunit_id = campaigns_sessionunit.id)",
            span,
        )
        empty = (
            "BETWEEN %(first)s AND %(last)s AND NOT EXISTS "
            "(SELECT 1 FROM campaigns_sessionunit p WHERE p.session_id = {0})"
        )
        for table, column in (
            ("campaigns_trainingsession_topics", "trainingsession_id"),
            ("campaigns_trainingsession_lecturers", "trainingsession_id"),
            ("campaigns_trainingsession", "id"),
        ):
            bulk.execute(f"DELETE FROM {table} WHERE {column} {empty.format(f'{table}.{column}')}", span)

    # --- People nobody expected ---------------------------------------------------------------
    def add_visitors(self, ids: tuple[int, int]) -> None:
        """Who missed the township's tour in one hall came to a later one: on that sheet, as make-up."""
        chance = self.chance("e.member_id", "h.session_id", 7)
        source = f"""FROM attendance_attendance a JOIN attendance_rosterentry e ON e.id = a.entry_id
            JOIN ({self.sessions()}) g ON g.session_id = a.session_id AND g.is_tour
            JOIN ({self.sessions()}) h ON h.host_id = g.host_id AND h.is_tour AND h.held_on > g.held_on
            JOIN (SELECT session_id, MIN(id) AS part_id FROM campaigns_sessionunit
                  WHERE recorded_at IS NOT NULL GROUP BY session_id) p ON p.session_id = h.session_id
            WHERE e.required AND {self.missed()} AND {chance} < 250"""
        columns = {
            "session": "h.session_id",
            "session_unit": "p.part_id",
            "entry": "e.id",
            "unit": "e.unit_id",
            "part": "'VISITOR'",
            "status": "'present'",
            "minutes": "h.minutes",
            "held_on": "h.held_on",
            "topic_mask": "h.topic_mask",
            "round": "'MAKE_UP'",
            "counts": "h.counts",
            "version": "1",
        }
        bulk.insert_select(Attendance, columns, source, self.span(ids))

    def count_heads(self, ids: tuple[int, int]) -> None:
        """In every third class somebody counted; now and then one more than the sheet has names."""
        bulk.execute(
            f"""UPDATE campaigns_trainingsession
            SET counted_heads = n.heads + CASE WHEN id %% 39 = 0 THEN 2 ELSE 0 END
            FROM (SELECT session_id, SUM(CASE WHEN status IN {CAME} THEN 1 ELSE 0 END) AS heads
                  FROM attendance_attendance WHERE session_id BETWEEN %(first)s AND %(last)s
                  AND session_id %% 3 = 0 GROUP BY session_id) n
            WHERE n.session_id = campaigns_trainingsession.id""",
            self.span(ids),
        )


REASON = """CASE WHEN r.status = 'leave' AND r.is_floating THEN 'AWAY'
    WHEN r.status = 'leave' AND r.is_home_bound THEN 'ILL'
    WHEN r.status = 'leave' AND r.luck < 400 THEN 'DUTY'
    WHEN r.status = 'leave' AND r.luck < 800 THEN 'PRIVATE'
    WHEN r.status = 'leave' THEN 'ILL'
    WHEN r.status = 'absent' AND r.luck < 700 THEN 'UNKNOWN' ELSE '' END"""
