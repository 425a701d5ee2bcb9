"""比上周: today's figures beside those of an evening about a week ago."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from campaigns.models import Unit
from reports.indicators import Rate
from reports.models import DailyFigure


@dataclass(frozen=True)
class Change:
    """How a rate moved since an evening, in percentage points."""

    day: date
    points: Decimal

    @property
    def text(self) -> str:
        if not self.points:
            return f"与{self.day.month}月{self.day.day}日持平"
        word = "高" if self.points > 0 else "低"
        return f"比{self.day.month}月{self.day.day}日{word} {abs(self.points)} 个百分点"


def week_ago(unit: Unit, today: date) -> DailyFigure | None:
    """The evening seven days ago; where that night was missed, one of the three before it."""
    evenings = DailyFigure.objects.filter(
        unit=unit, day__lte=today - timedelta(days=7), day__gte=today - timedelta(days=10)
    )
    return evenings.order_by("-day").first()


def change(rate: Rate, code: str, earlier: DailyFigure | None) -> Change | None:
    """None where either evening expected nobody: there is nothing to compare."""
    if earlier is None or not rate.d:
        return None
    before = earlier.values.get(code)
    if not before or not before["d"]:
        return None
    exact = Fraction(100 * rate.n, rate.d) - Fraction(100 * before["n"], before["d"])
    points = Decimal(exact.numerator) / Decimal(exact.denominator)
    return Change(earlier.day, points.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))
