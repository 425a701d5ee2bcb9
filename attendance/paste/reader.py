"""Walks over the words of one branch's message and hears what is said of whom."""

from attendance.paste.said import MISSING, Person, Section
from attendance.paste.tokens import Token
from attendance.paste.words import LEADING


class Reader:
    """Walks over the tokens of one section.

    `active`: the list that is open ("请假："), so that names to come belong to it. `waiting`: names nothing
    was said of yet ("张三、李四" before 请假). `clause`: the names since the last comma.
    """

    def __init__(self, section: Section, tokens: list[Token], names: frozenset[str], is_chain: bool):
        self.section, self.tokens, self.names = section, tokens, names
        self.at = 0
        self.default = Token("status", "", "present") if is_chain else None
        self.active: Token | None = self.default
        self.waiting: list[Person] = []
        self.clause: list[Person] = []
        self.began_list = False  # the open list began in this clause
        self.excepting = False

    def read(self) -> Section:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            step = getattr(self, f"on_{token.kind}", None)
            self.at += 1
            if step:
                step(token)
        for person in self.waiting:
            self._leave_waiting(person)
        for token in self.tokens:
            is_unused = token.kind == "number" and not token.is_used
            if is_unused or (token.kind == "junk" and token.text != "#"):
                self.section.leftovers.append(token.text)
        self._join_twice()
        return self.section

    def _join_twice(self) -> None:
        """未到：张三、李四；其中张三生病: what differs stays two lines."""
        kept: dict[tuple[str, str], Person] = {}
        for person in self.section.people:
            first = kept.setdefault((person.name, person.status), person)
            if first is not person and (first.reason in ("", person.reason) or not person.reason):
                first.reason, first.minutes = first.reason or person.reason, first.minutes or person.minutes
            elif first is not person:
                kept[(person.name, person.status + person.reason)] = person
        self.section.people = list(kept.values())

    def _leave_waiting(self, person: Person) -> None:
        """Of a name nothing was said: somebody of the list is asked about, other words are handed back."""
        if person.is_known:
            self.section.people.append(person)
        else:
            self.section.leftovers.append(person.name)

    # --- Looking around
    def _next(self, skip: tuple[str, ...] = ("sep",)) -> Token | None:
        at = self.at
        while at < len(self.tokens) and self.tokens[at].kind in skip:
            at += 1
        return self.tokens[at] if at < len(self.tokens) else None

    def _number_near(self, word_at: int) -> int | None:
        """46 in 应到46人, 应到：46, 应到（46）, and in 46人应到. The number is used up."""
        for token in self.tokens[self.at : self.at + 4]:
            if token.kind == "number" and not token.is_used:
                token.is_used = True
                return token.value
            if token.kind not in ("colon", "sep", "open") or token.text == "\n":
                break
        before = self.tokens[word_at - 1] if word_at else None
        if before and before.kind == "number" and not before.is_used:
            before.is_used = True
            return before.value
        return None

    def _says(self, what: str, number: int | None) -> None:
        if number is not None:
            self.section.figures.setdefault(what, []).append(number)

    # --- Names
    def on_name(self, token: Token) -> None:
        person = Person(token.text, is_known=token.text in self.names)
        self.clause.append(person)
        if self.active and not self.excepting:
            self._tell(person, self.active)
            self.section.people.append(person)
        else:
            self.waiting.append(person)
        after = self._next(("sep",))
        if after and after.kind == "open" and self._next(()) is not None:
            self._bracket(person)

    @staticmethod
    def _tell(person: Person, token: Token) -> None:
        person.status = token.status or person.status
        person.reason = token.reason or person.reason
        if token.kind == "late":
            person.minutes = token.value or person.minutes

    def _bracket(self, person: Person) -> None:
        """What stands in brackets behind a name is about it, or about all before it: （均生病）."""
        opened = next(at for at in range(self.at, len(self.tokens)) if self.tokens[at].kind == "open")
        closes = (at for at in range(opened, len(self.tokens)) if self.tokens[at].kind in ("close", "break"))
        closed = next(closes, len(self.tokens))
        inside = self.tokens[opened + 1 : closed]
        if any(token.kind == "name" and token.text in self.names for token in inside):
            return
        self.at = min(closed + 1, len(self.tokens))
        told = [person]
        if any(token.kind in ("every", "number") for token in inside):
            told = self.clause or told
        self._about(told, inside)

    def _about(self, people: list[Person], inside: list[Token]) -> None:
        for token in inside:
            token.is_used = True
            for person in people:
                self._annotate(person, token)
        for token in inside:
            if token.kind in ("name", "junk"):
                token.kind = "note"

    def _annotate(self, person: Person, token: Token) -> None:
        if token.kind == "minutes":
            person.minutes = token.value
        elif token.kind == "reason":
            # 王五（外出）among the absent stays absent, with the reason.
            person.status, person.reason = person.status or token.status, token.reason
        elif token.kind in ("status", "late", "came", "all"):
            self._tell(person, token)
        elif token.kind in ("name", "junk"):
            person.note += token.text

    # --- Ends
    def on_break(self, token: Token) -> None:
        self.clause, self.began_list = [], False
        if token.text in "。!?":
            self.active = self.default
        if token.text != ",":
            self._strand()

    def on_close(self, token: Token) -> None:
        self.clause = []

    # --- Figures
    def on_figure(self, token: Token) -> None:
        number = self._number_near(self.at - 1)
        if self.clause and number is None and token.status == "came":
            self._end_with(Token("came", token.text, "present"))
            return
        self._says(token.status, number)
        self._begin(Token("status", "", "present"), token.status == "came" and self._opens_list(number))

    def on_came(self, token: Token) -> None:
        number = self._number_near(self.at - 1)
        if self.clause and number is None:
            self._end_with(token)
            return
        self._says("came", number)
        self._begin(Token("status", "", "present"), self._opens_list(number))

    def _opens_list(self, number: int | None) -> bool:
        """实到3人：张三、李四、王五."""
        rest = [token for token in self.tokens[self.at :] if token.kind != "sep" and not token.is_used]
        kinds = [token.kind for token in rest[:2]]
        return kinds[:2] in (["colon", "name"], ["open", "name"]) or (
            number is None and kinds[:1] == ["name"]
        )

    def _begin(self, token: Token, is_list: bool) -> None:
        self.active = token if is_list else self.default
        self.began_list = is_list
        self.clause = []

    def on_zero(self, token: Token) -> None:
        self._says(token.status, 0)

    # --- Words about people
    def on_status(self, token: Token) -> None:
        first = self.at - 1
        merged = Token(token.kind, token.text, token.status, token.reason)
        while (after := self._after_word()) is not None:
            self._merge(merged, after)
        self._place(merged, first)

    on_late = on_status

    def on_reason(self, token: Token) -> None:
        self.on_status(token)

    def _after_word(self) -> Token | None:
        """The next word of the same breath: 因病 请假, 请假（外出务工）, 迟到10分钟."""
        at = self.at
        if at < len(self.tokens) and self.tokens[at].kind == "open":
            end = at + 2
            kinds = [token.kind for token in self.tokens[at + 1 : end + 1]]
            if kinds == ["reason", "close"]:
                self.at = end + 1
                return self.tokens[at + 1]
            if kinds == ["minutes", "close"]:
                self.at = end + 1
                return self.tokens[at + 1]
        if at < len(self.tokens) and self.tokens[at].kind in ("status", "reason", "late", "minutes"):
            self.at += 1
            return self.tokens[at]
        return None

    @staticmethod
    def _merge(merged: Token, after: Token) -> None:
        if after.kind == "minutes":
            merged.value = after.value
        elif after.kind == "reason":
            merged.reason = after.reason
        else:
            merged.reason = after.reason or merged.reason
            merged.kind, merged.status = after.kind, after.status

    def _place(self, word: Token, first: int) -> None:
        """Whether the word stands behind its names (张三请假) or before them (请假：张三)."""
        number = None if self.clause and not self._turns(word) else self._number_near(first)
        after = self._next(("sep",)) if number is None else self._skip_number()
        opens = after is not None and after.kind in ("colon", "open")
        if self.clause and not (opens and after.kind == "colon") and not self._turns(word):
            self._count_before(word, first)
            self._end_with(word)
            return
        is_list = (
            opens
            or (after is not None and after.kind == "none")
            or number is not None
            or (after is not None and after.kind == "name")
        )
        if word.kind == "reason" and not (is_list and LEADING.match(word.text)):
            return
        what = f"{word.status}:{word.reason}" if word.kind == "reason" else word.status
        self._says(what, number if number is not None else self._zero(after))
        self._strand()
        self.active, self.began_list, self.clause = word, True, []

    def _count_before(self, word: Token, first: int) -> None:
        """张三、李四2人请假."""
        before = self.tokens[first - 1] if first else None
        if before and before.kind == "number" and not before.is_used:
            before.is_used = True
            self._says(word.status, before.value)

    def on_number(self, token: Token) -> None:
        """请假张三、李四2人."""
        after = self._next(("sep", "close"))
        is_end = after is None or after.kind == "break"
        if self.active and self.active.status in MISSING and self.clause and is_end and not token.is_used:
            token.is_used = True
            self._says(self.active.status, token.value)

    def _turns(self, word: Token) -> bool:
        """请假张三李四缺席王五: in an open list, a word right before a name begins the next list."""
        after = self._next(())
        is_before_name = after is not None and after.kind in ("name", "number")
        own = word.kind != "reason" or bool(self.active and self.active.reason)
        return self.began_list and not self.waiting and is_before_name and own

    def _skip_number(self) -> Token | None:
        rest = [t for t in self.tokens[self.at :] if t.kind not in ("sep", "number")]
        return rest[0] if rest else None

    def _zero(self, after: Token | None) -> int | None:
        """请假：无."""
        is_none = after and self._next(("sep", "colon", "open"))
        return 0 if is_none and is_none.kind == "none" else None

    def _strand(self) -> None:
        """A new list begins: what waits before it was never said anything of."""
        if not self.excepting:
            for person in self.waiting:
                self._leave_waiting(person)
            self.waiting = []

    def _end_with(self, word: Token) -> None:
        """The word is about names that stand before it."""
        if self.waiting:
            for person in self.waiting:
                self._annotate(person, word) if word.kind == "reason" else self._tell_kept(person, word)
            self.section.people += self.waiting
            self.waiting = []
        else:
            told = self.clause[-1:] if self.began_list else self.clause
            for person in told:
                self._annotate(person, word) if word.kind == "reason" else self._tell(person, word)
        if not self.excepting:
            self.clause = [] if not self.began_list else self.clause

    def _tell_kept(self, person: Person, word: Token) -> None:
        """张三（生病）、李四请假: what the bracket said stays."""
        reason = person.reason
        self._tell(person, word)
        person.reason = reason or person.reason

    def on_minutes(self, token: Token) -> None:
        """张三迟到，15分钟: about whoever was named last."""
        late = [person for person in self.section.people[-1:] if person.status in ("late", "left_early")]
        for person in late:
            person.minutes = token.value

    def on_every(self, token: Token) -> None:
        """张三、李四均请假: one word for all of them, also where a list is open."""
        self.began_list = False

    # --- Everybody, the rest, except
    def on_all(self, token: Token) -> None:
        if self.clause and not self.excepting and self.waiting:
            self._end_with(token)
            return
        self._close_except()
        self.section.rest = "present"
        self.active = None

    def on_rest(self, token: Token) -> None:
        self._close_except()
        self.section.rest = token.status
        self.active = None

    def on_except(self, token: Token) -> None:
        self._strand()
        self.excepting, self.active, self.clause, self.began_list = True, None, [], False

    def on_except_end(self, token: Token) -> None:
        if self.excepting or self.clause:
            self._close_except(force=True)

    def _close_except(self, *, force: bool = False) -> None:
        """Whoever was excepted, and nothing else said of them: not there, nobody says why."""
        if not (self.excepting or force):
            return
        for person in self.waiting:
            if not person.status:
                person.status, person.reason = "absent", person.reason or "UNKNOWN"
        self.section.people += self.waiting
        self.waiting, self.excepting, self.clause = [], False, []
