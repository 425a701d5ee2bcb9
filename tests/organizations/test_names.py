import pytest

from organizations.names import initials


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("张三", "zs"),
        ("单雄信", "sxx"),
        ("曾国", "zg"),
        ("仇英", "qy"),
        ("区寄", "oj"),
        ("解缙", "xj"),
        ("查一", "zy"),
        ("任我行", "rwx"),
        ("盖叫天", "gjt"),
        ("尉迟恭", "ycg"),
        ("阿依古丽·买买提", "ayglmmt"),
        ("John Lee", "j"),
        ("", ""),
    ],
)
def test_initials_read_surnames_as_surnames(name, letters):
    assert initials(name) == letters
