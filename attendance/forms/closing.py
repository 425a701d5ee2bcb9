"""Finishing the register of a session."""

import uuid

from django import forms


class CloseForm(forms.Form):
    """Finishing a register: how to count whom nobody marked. None of the three is preselected."""

    rest = forms.ChoiceField(
        label="没有登记的人",
        choices=[
            ("present", "其余均到"),
            ("absent", "其余未到"),
            ("unmarked", "其余未登记（写明原因）"),
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label="说明", max_length=200, required=False)
    batch = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args, rest_needed=True, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["rest"].required = rest_needed
        self.rest_needed = rest_needed

    def as_service(self) -> dict:
        """Where everybody is marked there is no rest, and none is named."""
        cleaned = self.cleaned_data
        return {
            "rest": cleaned["rest"],
            "note": cleaned["note"],
            "batch": cleaned["batch"],
        }
