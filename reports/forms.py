from django import forms


class ReportRequestForm(forms.Form):
    """Which unit's workbook; `form` is the page's own key, so that sending it twice asks once."""

    unit = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    form = forms.UUIDField()
