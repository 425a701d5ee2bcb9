"""Numbers as people write them: not every spelling Python reads as one (1_0, 1e3, ٣) is meant as a number."""

import re
from decimal import Decimal

from django import forms

# Not NFKC: to that ² is a 2.
HALF_WIDTH = str.maketrans("０１２３４５６７８９．－＋\u3000", "0123456789.-+ ")
SPELLING = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,6})?", re.ASCII)


def decimal_of(text: object) -> Decimal | None:
    """Half-width or full-width figures, a point between them if need be; None where it is anything else."""
    plain = str(text).translate(HALF_WIDTH).strip()
    return Decimal(plain) if SPELLING.fullmatch(plain) else None


class WholeField(forms.IntegerField):
    def to_python(self, value):
        if value in self.empty_values:
            return None
        if (number := decimal_of(value)) is None or number % 1:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return int(number)
