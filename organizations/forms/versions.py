"""A page that lay open while a colleague saved must not write the old values back.

The form carries a digest of the values it showed. When it comes back and the
stored values have another digest, nothing is saved (409) and both values of every
field are shown.
"""

import hashlib
from datetime import time
from uuid import uuid4

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.text import Truncator

from organizations.id_number import without_numbers
from organizations.numbers import pk_of

STALE = (
    "您打开这一页以后，有人改过这里的内容。为免盖掉别人的修改，这次没有保存："
    "请重新打开这一页，看过新的内容再改。"
)
MOST_NAMED = 5


def version_of(shown: object) -> str:
    """A short digest of what a page shows: values, rows, lists and dictionaries of them."""
    return hashlib.sha256(plain(shown).encode()).hexdigest()[:20]


def plain(value: object) -> str:
    if isinstance(value, dict):
        return repr(sorted((str(key), plain(one)) for key, one in value.items()))
    if isinstance(value, list | tuple):
        return repr([plain(one) for one in value])
    return str(getattr(value, "pk", "" if value is None else value))


class VersionField(forms.CharField):
    """Goes along and is never a change."""

    def __init__(self, current: str):
        super().__init__(
            label="版本", max_length=40, required=False, initial=current, widget=forms.HiddenInput
        )
        self.current = current

    def has_changed(self, initial, data):
        return False


class Versioned:
    """For forms that change what is stored: call `stamp` when the initial values are known."""

    def stamp(self) -> None:
        shown = {name: self.initial.get(name) for name in self.fields if name in self.initial}
        self.fields["version"] = VersionField(version_of(shown))

    def clean(self):
        cleaned = super().clean()
        sent = cleaned.pop("version", "")
        # Sent twice, it finds its own values stored: nobody else's would be lost.
        if sent and sent != self.fields["version"].current and self.changed_data:
            both = [self.both_values(name) for name in self.changed_data if name in self.fields]
            self.add_error(None, [forms.ValidationError(text, code="stale") for text in (STALE, *both)])
        return cleaned

    def both_values(self, name: str) -> str:
        """地点：现在是“礼堂”，您填的是“党校”。 Numbers of people as everywhere, masked."""
        field = self.fields[name]
        now, mine = (in_words(field, value) for value in (self[name].initial, self[name].value()))
        return without_numbers(f"{field.label}：现在是“{now}”，您填的是“{mine}”。")

    @property
    def answer_status(self) -> int:
        """Of the page that shows this form again."""
        return 409 if self.has_error(NON_FIELD_ERRORS, "stale") else 422 if self.errors else 200


def in_words(field: forms.Field, value: object) -> str:
    """A value of this field as people read it."""
    if isinstance(field, forms.ModelChoiceField):
        rows = value if isinstance(value, list | tuple) else [value]
        keys = {pk_of(getattr(row, "pk", row)) for row in rows if row} - {None}
        names = [str(row) for row in field.queryset.filter(pk__in=keys)[: MOST_NAMED + 1]]
        return "、".join(names[:MOST_NAMED]) + (f"等{len(keys)}个" if len(names) > MOST_NAMED else "")
    if isinstance(field, forms.BooleanField):
        return "是" if field.to_python(value) else "否"
    if isinstance(field, forms.ChoiceField):
        return dict(field.choices).get(str(value or ""), str(value or ""))
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return Truncator("" if value is None else str(value)).chars(60)


def versioned(form: type[forms.ModelForm]) -> type[forms.ModelForm]:
    """The same form class, carrying its version."""
    if issubclass(form, Versioned):
        return form

    class VersionedForm(Versioned, form):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.stamp()

    return VersionedForm


def sent_once(form: type[forms.ModelForm]) -> type[forms.ModelForm]:
    """The same form class for a new record, carrying the key by which a second sending is known."""

    class OnceForm(form):
        request_uuid = forms.UUIDField(
            label="提交编号", required=False, initial=uuid4, widget=forms.HiddenInput
        )

    return OnceForm
