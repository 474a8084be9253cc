"""Templates for keeping people, and for letting them go well."""

from flows.library.base import (
    Audience,
    Parts,
    asked,
    entered,
    happened,
    letter,
    mail,
    since_entry,
    step,
    template,
    wait,
)
from segmentation.scenarios.blocks import all_of, any_of, did, engaged, subscribed, unless
from workspace.purchases import PurchaseMapping

GROUP = "Keep"


@template("re-engage", "Re-engage", "Writes to people who come back into a segment after a quiet time.", GROUP)
def re_engage(shop: PurchaseMapping) -> Parts:
    """Greet who is quiet again."""
    quiet = all_of(subscribed(), unless(engaged(shop, 1, "60d")), unless(did(shop.purchase, within="60d")))
    return Parts(
        audiences=(Audience("quiet", "Quiet for two months", quiet),),
        letters=(letter("re-engage", "Still there?", "Is this still for you?", "Here is what you have not seen."),),
        nodes=(
            step("starts", "contact_segment", segment="quiet", when="enters", which="again", after="30d"),
            mail("still", "re-engage"),
        ),
        edges="starts>still",
        settings={"reentry": {"allowed": True, "after": "30d"}},
    )


@template(
    "drop-off", "Drop-off on exit", "Starts when somebody leaves a segment, and stops when they come back.", GROUP
)
def drop_off(shop: PurchaseMapping) -> Parts:
    """Ask what was missing."""
    return Parts(
        audiences=(Audience("active-customers", "Active customers", all_of(did(shop.purchase, within="90d"))),),
        letters=(
            letter("drop-off", "What was missing?", "What was missing?", "Answer with one word; a person reads it."),
        ),
        nodes=(entered("active-customers", "leaves"), wait("days", "2d"), mail("missing", "drop-off")),
        edges="starts>days days>missing",
        settings={"exit_on_leave": True, "reentry": {"allowed": True, "after": "90d"}},
    )


@template(
    "retention",
    "Retention",
    "Re-activates customers whose orders become fewer; those who stay quiet get an offer.",
    GROUP,
)
def retention(shop: PurchaseMapping) -> Parts:
    """Notice early, offer late."""
    fading = all_of(did(shop.purchase, 3, within="365d"), unless(did(shop.purchase, within="90d")))
    return Parts(
        audiences=(Audience("fading", "Fading customers", fading),),
        letters=(
            letter("retention-news", "What is new", "What is new since you were here", "Chosen by what you ordered."),
            letter(
                "retention-offer", "An offer to stay", "Stay with us", "Your next order comes with something extra."
            ),
        ),
        nodes=(
            entered("fading"),
            mail("news", "retention-news"),
            step("looks", "wait_for", "Looks again?", what="event", event_name=shop.view, timeout="14d"),
            mail("offer", "retention-offer"),
        ),
        edges="starts>news news>looks looks:timeout>offer",
        settings={"exit_on_leave": True},
    )


@template("birthday", "Birthday", "A mail at nine on the birthday, where the contact lives, every year.", GROUP)
def birthday(shop: PurchaseMapping) -> Parts:
    """Congratulate."""
    return Parts(
        attributes=(("birthday", "date"),),
        letters=(letter("birthday", "Happy birthday", "Happy birthday", "Something small is waiting for you today."),),
        nodes=(
            step("starts", "date_attribute", attribute="customProperties.birthday", yearly=True, time="09:00"),
            mail("wishes", "birthday"),
        ),
        edges="starts>wishes",
        settings={"reentry": {"allowed": True, "after": "30d"}},
    )


@template(
    "sunset",
    "Sunset",
    "Asks people who open nothing whether to go on, and stops writing to those who do not answer.",
    GROUP,
)
def sunset(shop: PurchaseMapping) -> Parts:
    """Stop writing to who does not read."""
    asleep = all_of(subscribed(), unless(engaged(shop, 1, "180d")), unless(did(shop.purchase, within="180d")))
    answered = any_of(*(since_entry(one) for one in (*shop.engagement, shop.purchase)))
    return Parts(
        audiences=(Audience("asleep", "Asleep for half a year", asleep),),
        letters=(
            letter(
                "sunset-ask", "Shall we go on?", "Shall we go on writing?", "Open this and we do; leave it and we stop."
            ),
            letter(
                "sunset-last",
                "Goodbye for now",
                "Goodbye for now",
                "This is the last you hear of us until you come by.",
            ),
        ),
        nodes=(
            entered("asleep"),
            mail("ask", "sunset-ask"),
            wait("fortnight", "14d"),
            asked("answered", "Opened or ordered?", answered),
            mail("last", "sunset-last"),
            wait("day", "1d"),
            step("stop", "unsubscribe", channel="email"),
        ),
        edges="starts>ask ask>fortnight fortnight>answered answered:else>last last>day day>stop",
    )


@template(
    "account-deletion",
    "Account deletion",
    "Confirms a wish to leave with its reason, waits a week, tells staff, and erases.",
    GROUP,
)
def deletion(shop: PurchaseMapping) -> Parts:
    """Let go, and be sure."""
    regret = since_entry("Account Deletion Cancelled")
    return Parts(
        letters=(
            letter(
                "deletion-confirm",
                "Your account will be deleted",
                "Your account will be deleted",
                "You told us why: {{ event.reason | default: 'no reason' }}. In seven days all of it is gone. Sign in to stop that.",
                transactional=True,
            ),
        ),
        nodes=(
            happened("Account Deletion Requested"),
            mail("confirm", "deletion-confirm"),
            wait("week", "7d"),
            step("sure", "approval", question="Is anything open with this contact that keeps it from being erased?"),
            step("erase", "delete_contact", sure=True),
            step("kept", "exit", reason="Kept by staff"),
        ),
        edges="starts>confirm confirm>week week>sure sure>erase sure:refused>kept",
        settings={"exit_when": regret, "reentry": {"allowed": True, "after": "1d"}},
    )


@template(
    "retention-offer",
    "Retention offer",
    "Offers something to who is about to leave, and confirms what they chose.",
    GROUP,
)
def offer(shop: PurchaseMapping) -> Parts:
    """Offer before goodbye, and confirm."""
    return Parts(
        letters=(
            letter(
                "stay-offer", "Before you go", "Before you go", "Stay another month, on us. Say yes in your account."
            ),
            letter("stay-thanks", "Glad you stay", "Glad you stay", "Your month begins today.", transactional=True),
            letter("stay-bye", "Your plan ends", "Your plan ends", "It ends as you wished.", transactional=True),
        ),
        nodes=(
            happened("Cancellation Started"),
            mail("offer", "stay-offer"),
            step("accepts", "wait_for", "Accepts?", what="event", event_name="Retention Offer Accepted", timeout="3d"),
            mail("thanks", "stay-thanks"),
            mail("bye", "stay-bye"),
        ),
        edges="starts>offer offer>accepts accepts>thanks accepts:timeout>bye",
        settings={"reentry": {"allowed": True, "after": "90d"}},
    )


KEEPING = (re_engage, drop_off, retention, birthday, sunset, deletion, offer)
