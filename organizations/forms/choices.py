"""Choices of rows that refuse what cannot be a row number before the database sees it."""

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect

from organizations.numbers import pk_of


def nonsense(field: forms.Field) -> forms.ValidationError:
    return forms.ValidationError(
        field.error_messages["invalid_choice"], code="invalid_choice", params={"value": "…"}
    )


class PickField(forms.ModelChoiceField):
    """One row of a queryset."""

    def to_python(self, value):
        if value not in self.empty_values and pk_of(getattr(value, "pk", value)) is None:
            raise nonsense(self)
        return super().to_python(value)


class PicksField(forms.ModelMultipleChoiceField):
    """Several rows of a queryset."""

    def _check_values(self, value):
        if any(pk_of(getattr(one, "pk", one)) is None for one in value):
            raise nonsense(self)
        return super()._check_values(value)


class PickByTyping(AutocompleteSelect):
    """The ledger's search box: shows what was chosen, and asks the database for row numbers only."""

    def optgroups(self, name, value, attr=None):
        return super().optgroups(name, [one for one in value if not one or pk_of(one) is not None], attr)
