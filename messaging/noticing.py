"""Mailing what staff should look at: each notice once to everybody whom it concerns, late rather than never."""

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from messaging.models import Channel, Sender
from workspace import clock
from workspace.models import Notice
from workspace.notices import concerned

log = structlog.get_logger()
MOST = 50


def mail_notices() -> int:
    """Mail the notices that nobody was mailed about, and return how many; a dead server leaves them for later."""
    return sum(
        _mail(pk) for pk in Notice.objects.filter(mailed_at=None).order_by("id").values_list("pk", flat=True)[:MOST]
    )


def _mail(pk: int) -> bool:
    """Mail one with no transaction open: who is killed before it is noted mails it again, which staff can bear."""
    notice = Notice.objects.filter(pk=pk, mailed_at=None).first()
    if notice is None:
        return False
    people = [one.email for one in concerned(notice)]
    try:
        if people:
            _letter(notice, people).send()
    except OSError as error:  # smtplib's errors are OSErrors
        log.warning("notice.not_mailed", notice=pk, error=repr(error))
        return False
    return bool(Notice.objects.filter(pk=pk, mailed_at=None).update(mailed_at=clock.now()))


def _letter(notice: Notice, people: list[str]) -> EmailMessage:
    page = f"{settings.SITE_URL}{notice.url}" if notice.url else settings.SITE_URL
    sender = Sender.objects.filter(channel=Channel.EMAIL, is_default=True).first()
    return EmailMessage(
        subject=f"Tributary: {notice.title}",
        body=f"{notice.title}.\n\n{notice.text}\n\n{page}\n",
        from_email=sender.address if sender else settings.DEFAULT_FROM_EMAIL,
        to=people,
        connection=get_connection(timeout=20),
    )
