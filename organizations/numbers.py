"""Row numbers as strangers type them: in an address, a hidden field, a forged choice."""

from django.http import Http404

# What fits every database's BIGINT without a look at its value.
MOST_DIGITS = 18


def pk_of(text: object) -> int | None:
    """The row number a text stands for; None where no row can have it (², 30 digits, letters)."""
    text = str(text)
    return int(text) if len(text) <= MOST_DIGITS and text.isascii() and text.isdigit() else None


def asked_pk(text: str | None) -> int | None:
    """The same from an address: nothing asked is None, nonsense is a page that does not exist."""
    if not text:
        return None
    if (pk := pk_of(text)) is None:
        raise Http404
    return pk
