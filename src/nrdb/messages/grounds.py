"""The donor's refusal: a lawful reason, what would be right, and a secret number's owner kept secret (S3 2.5)."""

from nrdb.cases.case import Case
from nrdb.errors import Code, Problem
from nrdb.messages import number_rules
from nrdb.messages.facts import Facts
from nrdb.messages.kinds import Customer, NpFbes
from nrdb.messages.reasons import all_fields, any_field, told_reason
from nrdb.rulebook import Rulebook
from nrdb.texts import Sentence, all_of, say


def ground(rulebook: Rulebook, message: NpFbes, case: Case, facts: Facts) -> None:
    """A refusal must rest on a lawful reason, say what would be right, and keep a secret number's owner secret."""
    _reason_permitted(rulebook, message, case, facts)
    _expected_given(rulebook, message)
    _secret_kept(message)


def _reason_permitted(rulebook: Rulebook, message: NpFbes, case: Case, facts: Facts) -> None:
    reason = rulebook.reasons[message.reason]
    classes = set(number_rules.class_ranges(case.numbers, facts))
    if reason.always_refused:
        why: Sentence = say("it never stops a porting.")
    elif classes & reason.refused_for_classes:
        why = say("mobile numbers may be ported one by one.")
    elif message.reason == "owner-mismatch" and not message.secret_number and _same_owner(message, case):
        why = say("the identity that you expect is the one in the order, and the name alone is no ground.")
    else:
        return
    raise Problem(
        Code.REASON_NOT_PERMITTED,
        say(
            "Reason {reason} is no ground for a refusal here: {why}",
            reason=told_reason(rulebook, message.reason),
            why=why,
        ),
        facts={"reason": message.reason, "classes": sorted(classes)},
    )


def _same_owner(message: NpFbes, case: Case) -> bool:
    if message.expected is None or case.customer is None:
        return False
    ordered = Customer.model_validate(case.customer)
    if message.expected.birth_date is not None and ordered.birth_date is not None:
        return message.expected.birth_date == ordered.birth_date.strftime("%Y%m%d")
    return (
        message.expected.organisation_number is not None
        and message.expected.organisation_number == ordered.organisation_number
    )


def _expected_given(rulebook: Rulebook, message: NpFbes) -> None:
    if message.reason == "owner-mismatch" and message.secret_number:
        return
    given = message.expected.given if message.expected else frozenset()
    needs = rulebook.reasons[message.reason].needs
    missing = [alternatives for alternatives in needs if not given & set(alternatives)]
    if missing:
        raise Problem(
            Code.EXPECTED_VALUE_MISSING,
            say(
                "With reason {reason} the refusal must say what would be right: {missing}.",
                reason=told_reason(rulebook, message.reason),
                missing=all_of([any_field(alternatives) for alternatives in missing]),
            ),
            facts={"reason": message.reason, "missing": [" or ".join(alternatives) for alternatives in missing]},
        )


def _secret_kept(message: NpFbes) -> None:
    if not message.secret_number:
        return
    given = message.expected.given if message.expected else frozenset()
    disclosed = sorted(given & {"name", "birth_date", "organisation_number"})
    if message.comment is not None:
        disclosed.append("comment")
    if disclosed:
        raise Problem(
            Code.SECRET_NUMBER_DISCLOSED,
            say("The number is secret: leave out {fields}.", fields=all_fields(disclosed)),
            facts={"fields": disclosed},
        )
