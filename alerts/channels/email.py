"""E-mail by SMTP with TLS: one message for all alerts of a page, the same Message-ID for every try."""

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate
from hashlib import sha256

from alerts.channels import Delivered, Failed, Notice, Outcome, Retry
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S
from alerts.channels.settings import EmailSettings
from alerts.channels.words import words

LONGEST_S = 60.0
"""A server that lets nothing wait for long may still not come to an end: those that hold up spam do so."""


class EmailChannel:
    """One connection per message; the library blocks, so they run in a thread, of this channel's own: one server that
    hangs holds up nobody else's.
    """

    kind = "email"
    resend_s: int | None = None
    batch = 100_000

    def __init__(self, settings: EmailSettings, target: str, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = target
        self._settings = settings
        self._writer = writer
        self._timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=target)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        message = self._message(notices, now)
        try:
            async with asyncio.timeout(LONGEST_S):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._deliver, message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return outcome_of(error)
        return Delivered()

    async def close(self) -> None:
        self._thread.shutdown(wait=False)

    def _message(self, notices: Sequence[Notice], now: int) -> EmailMessage:
        told = self._settings
        said = words(notices, self._writer, told.language, target=self.target, now=now)
        message = EmailMessage()
        message["Subject"] = said.heading
        message["From"] = told.sender
        message["To"] = ", ".join(told.to)
        message["Date"] = formatdate(now / 1000)
        states = "".join(f"{notice.event.episode}{notice.event.state}{notice.event.severity}" for notice in notices)
        domain = told.sender.rpartition("@")[2].rstrip(">") or "hotline"
        message["Message-ID"] = f"<{sha256(states.encode()).hexdigest()[:32]}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        links = [f"{text}: {link}" for text, link in (*said.answers, (said.board, self._writer.external_url))]
        message.set_content("\n".join([said.plain(), "", *links, ""]))
        return message

    def _deliver(self, message: EmailMessage) -> None:
        told = self._settings
        context = ssl.create_default_context(cafile=str(told.ca_file) if told.ca_file else None)
        if told.tls == "implicit":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(told.host, told.port, timeout=self._timeout_s, context=context)
        else:
            smtp = smtplib.SMTP(told.host, told.port, timeout=self._timeout_s)
        try:
            if told.tls == "starttls":
                smtp.starttls(context=context)
            if told.user:
                smtp.login(told.user, told.password.get_secret_value())
            smtp.send_message(message)
        finally:
            with suppress(OSError):  # whatever is answered to the farewell, the message was taken, or was not
                smtp.quit()


def outcome_of(error: OSError | smtplib.SMTPException | ValueError) -> Outcome:
    """What an error of the library means. (`SMTPException` is an `OSError`: the narrower cases stand first.)"""
    match error:
        case smtplib.SMTPAuthenticationError():
            outcome: Outcome = Retry("auth", detail=f"SMTP {error.smtp_code}")
        case smtplib.SMTPRecipientsRefused():
            outcome = _refused(max(code for code, _ in error.recipients.values()))
        case smtplib.SMTPResponseException():
            outcome = _refused(error.smtp_code)
        case smtplib.SMTPNotSupportedError():
            outcome = Retry(
                "bad_answer", detail="the server offers no STARTTLS (or no login, or no address beyond ASCII)"
            )
        case TimeoutError():
            outcome = Retry("timeout", detail="no answer in time")
        case ssl.SSLError():
            outcome = Retry("refused", detail="TLS: the server's certificate cannot be verified")
        case ValueError():
            outcome = Retry("refused", detail="the settings' host is none: nothing was sent")
        case _:
            outcome = Retry("refused", detail=type(error).__name__)
    return outcome


def _refused(code: int) -> Outcome:
    """4xx: not now; 5xx: not like this (RFC 5321, 4.2.1); anything else is no refusal, and no answer to what was said."""
    detail = f"SMTP {code}"
    match code // 100:
        case 4:
            return Retry("rate_limited", 60, detail) if code == 454 else Retry("server_error", detail=detail)
        case 5:
            return Failed("client_error", detail)
    return Retry("bad_answer", detail=detail)
