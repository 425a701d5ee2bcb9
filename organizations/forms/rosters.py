"""What somebody says before a roster goes out."""

from uuid import uuid4

from django import forms

MASKED, WHOLE = "masked", "whole"


class ExportForm(forms.Form):
    """Masked numbers by default; whole ones take a reason."""

    numbers = forms.ChoiceField(
        label="身份证号和手机",
        choices=[(MASKED, "遮盖中间几位"), (WHOLE, "完整号码")],
        initial=MASKED,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label="为什么要完整号码",
        max_length=100,
        required=False,
        help_text="选“完整号码”才要填，如“报区里核对党员信息”。会写进表里和操作记录。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "form-control"}),
    )
    form_uuid = forms.UUIDField(initial=uuid4, required=False, widget=forms.HiddenInput)

    @property
    def is_whole(self) -> bool:
        return self.cleaned_data["numbers"] == WHOLE

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("numbers") == WHOLE and len(cleaned.get("reason", "").strip()) < 2:
            self.add_error("reason", "请写明为什么要完整号码，例如“报区里核对党员信息”。")
        return cleaned
