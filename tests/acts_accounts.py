"""An example call of every audited service around logins and the care of accounts: name → act."""

from django_otp.oath import totp

from organizations.services import account_care, second_factor
from organizations.services.second_factor import begin_setup, secret_of


def account_acts(cast, quietly):
    officer, north = cast.officer, cast.north_organizer
    return {
        "account_care.hand_over": lambda: account_care.hand_over(
            actor=officer, user=north, username="neu", name="新"
        ),
        "account_care.unlock_account": lambda: account_care.unlock_account(
            actor=officer, user=quietly(one_wrong_code, cast)
        ),
        "account_care.reset_phone": lambda: account_care.reset_phone(
            actor=officer, user=quietly(with_phone, cast)
        ),
        "account_care.rescue_officer": lambda: account_care.rescue_officer(username=officer.username),
        "account_care.end_other_logins": lambda: account_care.end_other_logins(user=north),
        "second_factor.confirm_setup": lambda: confirm(north),
        "second_factor.renew_recovery_codes": lambda: second_factor.renew_recovery_codes(user=north),
        "second_factor.check_code": lambda: one_wrong_code(cast, prepare=quietly),
    }


def confirm(user):
    device = begin_setup(user=user)
    return second_factor.confirm_setup(user=user, code=f"{totp(secret_of(device)):06d}")


def with_phone(cast):
    confirm(cast.north_organizer)
    return cast.north_organizer


def one_wrong_code(cast, prepare=None):
    user = prepare(with_phone, cast) if prepare else with_phone(cast)
    second_factor.check_code(user=user, code="nothing")
    return user
