"""How the lines of a message look before they are stored: the old beside the new, and what is asked."""

from dataclasses import dataclass

from django.utils.html import format_html_join

from attendance.forms.marks import CHOICES, CODES
from attendance.forms.paste import AS_OFFERED, RESTS, SKIP, TEXT, Sent
from attendance.views.sheet import LOOKS, WORDS, code_of, words_of

AS_ABOVE = "照上面选的"
LATE = ("late", "left_early")


@dataclass(frozen=True)
class Row:
    """One person with a menu. `old`: what is stored, "" where nothing is."""

    name: str
    note: str
    field: str
    late_field: str
    late: int | None
    looks: str
    options: str
    old: str
    new: str
    is_away: bool = False


@dataclass(frozen=True)
class Ask:
    """One name somebody has to decide about."""

    name: str
    why: str
    field: str
    choices: list[tuple[str, str]]
    chosen: str
    options: str
    late: int | None
    said: str


def options(code: str, empty: str = "") -> str:
    """The <option>s of one menu; `empty` is the label of "nothing said"."""
    choices = CHOICES if code in CODES or not code else [(code, WORDS.get(code, code)), *CHOICES]
    lines = [("", empty), *choices] if empty else choices
    told = ((value, " selected" if value == code else "", label) for value, label in lines)
    return format_html_join("", '<option value="{}"{}>{}</option>', told)


def said_code(said) -> str:
    return code_of(said.status, said.reason) if said.status else ""


def said_words(said) -> str:
    """请假·生病, 迟到 10分钟: as the message has it."""
    words = words_of(said.status, said.reason) if said.status else ""
    return words + (f" {said.minutes}分钟" if said.minutes else "")


def row(part: int, line, sent: Sent | None, code: str, empty: str = "") -> Row:
    """`code` is what the message proposes, unless the page was sent with another choice."""
    person = line.person
    # Left as it is shown, it is not sent: what is stored, or 未登记 of whom nothing is asked.
    shown = code_of(person.status, person.reason) if person.status else code if code == "unmarked" else ""
    if sent and person.entry in sent.rows:
        code = sent.rows[person.entry][1]
    late = line.said.minutes if line.said and line.said.status in LATE else None
    return Row(
        name=person.name,
        note=_note(line),
        field=f"p{part}m{person.entry}.{person.version}" + (f".{shown}" if shown else ""),
        late_field=f"p{part}l{person.entry}",
        late=late,
        looks=LOOKS.get(code.partition(":")[0], "unmarked"),
        options=options(code, empty),
        old=words_of(person.status, person.reason) if person.status else "",
        new=WORDS.get(code, ""),
        is_away=person.preset == "leave",
    )


def _note(line) -> str:
    if line.kind == "visitor":
        return line.person.unit_name
    number = f"{line.number}号"
    return f"{number} 不作硬性要求" if line.kind == "waived" else number


def ask(part: int, number: int, doubt, sent: Sent | None) -> Ask:
    told = sent.doubts.get(number, {}) if sent else {}
    choices = [(f"{choice.entry}.{choice.version}", choice.words) for choice in doubt.choices]
    choices += [(TEXT, "都不是，先放着"), (SKIP, "不用管")]
    if not doubt.choices:
        choices = [(TEXT, "先放着，以后再说"), (SKIP, "不用管")]
    code = told.get("code") or said_code(doubt.said)
    return Ask(
        name=doubt.said.name,
        why=doubt.why,
        field=f"p{part}d{number}",
        choices=choices,
        chosen=told.get("who", ""),
        options=options(code, "到没到，请选"),
        late=doubt.said.minutes if doubt.said.status in LATE else None,
        said=said_words(doubt.said) + (f"（{doubt.said.note}）" if doubt.said.note else ""),
    )


def block(reading, sent: Sent | None) -> dict:
    """One branch as the template prints it."""
    told, pk = reading.proposal, reading.pk
    rest = sent.rest if sent and sent.rest else told.rest
    # Somebody has to say it: the register would offer these as 请假.
    if told.away and not (sent and sent.rest) and rest == "present":
        rest = ""
    return {
        "pk": pk,
        "name": reading.name,
        "count": len(reading.sheet.expected),
        "remarks": told.remarks,
        "asks": [ask(pk, number, doubt, sent) for number, doubt in enumerate(told.doubts)],
        "named": [row(pk, line, sent, said_code(line.said)) for line in told.named],
        "offered": [row(pk, line, sent, _preset(line.person)) for line in told.offered],
        "kept": [row(pk, line, sent, _stored(line.person)) for line in told.kept],
        "unnamed": [row(pk, line, sent, "", AS_ABOVE) for line in told.unnamed],
        "optional": [row(pk, line, sent, "unmarked") for line in told.optional],
        "rest": rest,
        "rests": [(value, words) for value, words in RESTS.items() if told.away or value != AS_OFFERED],
        "open_names": told.open_names,
        "away": " ".join(f"{line.person.entry}={_preset(line.person)}" for line in told.away),
        "away_words": _away_words(told.away),
        "heads": sent.heads if sent else ("" if told.heads is None else told.heads),
        "leftovers": told.leftovers,
    }


def _away_words(away) -> str:
    """流动8人、请假1人"""
    asked = sum(1 for line in away if line.person.leave)
    counts = (("流动", len(away) - asked), ("请假", asked))
    return "、".join(f"{words}{number}人" for words, number in counts if number)


def _preset(person) -> str:
    return code_of(person.preset, person.preset_reason)


def _stored(person) -> str:
    return code_of(person.status, person.reason)
