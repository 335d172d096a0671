"""What of a caller's baggage goes on with a job: everything but members that hold a secret of this process."""

from urllib.parse import quote

import pytest

from backend.redaction import Redactor, Secret
from backend.tracing.attributes import Cleaner
from backend.tracing.triggers import without_secrets

CANARY = "canary-9Xw3tq7L/+=&b"


@pytest.fixture
def cleaner():
    return Cleaner(Redactor({"OPENAI_API_KEY": Secret(CANARY)}))


@pytest.mark.parametrize("baggage", [None, "a=1", "a=1,b=two%20words;p=1", "evidence.issue_key=LAD-7,x=%C3%BC"])
def test_what_holds_no_secret_goes_on_as_it_came(cleaner, baggage):
    assert without_secrets(baggage, cleaner) == baggage


@pytest.mark.parametrize("member", [f"k={CANARY}", f"k={quote(CANARY, safe='')}", f"{quote(CANARY, safe='')}=1"])
def test_a_member_that_holds_one_is_left_out_and_the_others_stay(cleaner, member):
    assert without_secrets(f"a=1,{member},b=2", cleaner) == "a=1,b=2"
    assert without_secrets(member, cleaner) is None
