"""Forms of the ledger in our own words: no constraint says its name, no phrase of Django reaches a page."""

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import UniqueConstraint
from django.db.models.fields import BLANK_CHOICE_DASH

NOTHING = "—"


def plain(form: type[forms.ModelForm], sentences: dict[str, tuple[str, str]]) -> type[forms.ModelForm]:
    """The same form class. `sentences`: by constraint, the field beside which stands what sentence."""

    class PlainForm(form):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            for name, field in self.fields.items():
                name_nothing(field)
                field.error_messages["unique"] = taken(self._meta.model, [field.label or name])

        def _post_clean(self):
            # The record's own check would say the constraint's name, which is nothing to who reads it.
            self.instance.validate_constraints = lambda exclude=None: None
            try:
                super()._post_clean()
            finally:
                del self.instance.validate_constraints
            self.check_constraints()

        def check_constraints(self):
            exclude = self._get_validation_exclusions()
            for constraint in self.instance._meta.constraints:
                try:
                    constraint.validate(type(self.instance), self.instance, exclude=exclude)
                except ValidationError:
                    beside, words = self.sentence(constraint)
                    self.add_error(beside if beside in self.fields else None, words)

        def sentence(self, constraint) -> tuple[str | None, str]:
            if constraint.name in sentences:
                return sentences[constraint.name]
            columns = [name for name in getattr(constraint, "fields", ()) if name in self.fields]
            if isinstance(constraint, UniqueConstraint):
                labels = [self.fields[name].label for name in columns]
                return (columns[-1] if columns else None), taken(self._meta.model, labels)
            return None, "有几项对不上，请核对以后再保存。"

    return PlainForm


def taken(model, labels) -> str:
    """As in 这个代码已经有党组织在用，请换一个。"""
    kind = model._meta.verbose_name
    words = "、".join(str(label).removeprefix(kind) for label in labels) or "内容"
    return f"这个{words}已经有{kind}在用，请换一个。"


def name_nothing(field: forms.Field) -> None:
    """The empty choice is a dash, not a row of signs."""
    dashes = BLANK_CHOICE_DASH[0][1]
    if isinstance(field, forms.ModelChoiceField):
        if field.empty_label == dashes:
            field.empty_label = NOTHING
    elif isinstance(field, forms.ChoiceField):
        field.choices = [(value, NOTHING if label == dashes else label) for value, label in field.choices]
