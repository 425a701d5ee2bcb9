"""A page that lay open while a colleague saved must not write the old values back.

The form carries a digest of the values it showed. When it comes back and the
stored values have another digest, nothing is saved and a sentence says why.
"""

import hashlib
from uuid import uuid4

from django import forms

STALE = (
    "您打开这一页以后，有人改过这里的内容。为免盖掉别人的修改，这次没有保存：请刷新页面，看过新的内容再改。"
)


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
        if sent and sent != self.fields["version"].current:
            self.add_error(None, forms.ValidationError(STALE, code="stale"))
        return cleaned


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
