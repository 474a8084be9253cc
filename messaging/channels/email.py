"""Email over SMTP, through Django's backend with one connection kept for a batch."""

import smtplib
from email.utils import parseaddr
from typing import Any

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend

from messaging.channels.base import Outgoing, Receipt

TEMPORARY = range(400, 500)


class _Attentive(smtplib.SMTP):
    """Remembers whether the message itself was being handed over when the line broke."""

    handing_over = False

    def mail(self, *args: Any, **kwargs: Any) -> Any:
        self.handing_over = False
        return super().mail(*args, **kwargs)

    def data(self, msg: Any) -> Any:
        self.handing_over = True
        answer = super().data(msg)
        self.handing_over = False
        return answer


class _AttentiveTLS(_Attentive, smtplib.SMTP_SSL):
    """The same over TLS."""


class _Backend(EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _AttentiveTLS if self.use_ssl else _Attentive


class EmailLine:
    """A connection to the mail server, opened at the first message and again after it broke."""

    def __init__(self) -> None:
        connection = get_connection()
        # The backend named in the settings is ours for SMTP; any other (in memory, to a file) is used as it is.
        self.backend: Any = _Backend() if type(connection) is EmailBackend else connection

    def send(self, outgoing: Outgoing, address: str) -> Receipt:
        """Hand one email to the server and say what it answered."""
        try:
            self.backend.open()
            taken = self.backend.send_messages([composed(outgoing, address)])
            return Receipt("sent", message_id(outgoing)) if taken else Receipt("failed", reason="It was not taken.")
        except smtplib.SMTPResponseException as error:
            return self._refused(error.smtp_code, error.smtp_error)
        except smtplib.SMTPRecipientsRefused as error:
            return self._refused(*next(iter(error.recipients.values())))
        except (smtplib.SMTPException, OSError) as error:
            return self._broken(error)
        except ValueError as error:  # a header that must not be sent
            return Receipt("failed", reason=f"The email cannot be written: {error}"[:500])

    def _refused(self, code: int, words: bytes | str) -> Receipt:
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        self._reset()
        outcome: Any = "retry" if code in TEMPORARY or code < 0 else "failed"
        return Receipt(outcome, reason=f"The mail server answered {code} {text}"[:500])

    def _broken(self, error: Exception) -> Receipt:
        handed = getattr(getattr(self.backend, "connection", None), "handing_over", False)
        self.close()
        reason = f"The line to the mail server broke: {type(error).__name__} {error}"[:500]
        return Receipt("unsure" if handed else "retry", reason=reason)

    def _reset(self) -> None:
        try:
            self.backend.connection.rset()
        except (smtplib.SMTPException, OSError, AttributeError):
            self.close()

    def close(self) -> None:
        """Hang up, whatever state the line is in."""
        try:
            self.backend.close()
        except (smtplib.SMTPException, OSError):
            pass
        finally:
            if hasattr(self.backend, "connection"):
                self.backend.connection = None


def message_id(outgoing: Outgoing) -> str:
    """Return the Message-ID: made from the key, so that it is the same at every try."""
    domain = parseaddr(outgoing.from_address)[1].rpartition("@")[2] or "localhost"
    return f"<{outgoing.key.replace(':', '.')}@{domain}>"


def composed(outgoing: Outgoing, address: str) -> EmailMultiAlternatives:
    """Return the email with its parts and headers."""
    assert outgoing.email is not None
    headers = {"Message-ID": message_id(outgoing), "X-Tributary-Key": outgoing.key}
    if outgoing.marketing and outgoing.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{outgoing.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    email = EmailMultiAlternatives(
        outgoing.email.subject,
        outgoing.email.text,
        outgoing.from_address,
        address.split(", "),  # one; of a notice to staff all
        reply_to=[outgoing.reply_to] if outgoing.reply_to else None,
        headers=headers,
    )
    email.attach_alternative(outgoing.email.html, "text/html")
    return email
