"""The SMTP password of Amazon SES, which is made from a secret access key for one region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.secret import Secret, SecretOctets

if TYPE_CHECKING:
    from typing import Final

__all__ = ["smtp_password"]

# The page "Obtaining Amazon SES SMTP credentials", section "Convert existing AWS credentials":
# https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
_DATE: Final = "11111111"
_SERVICE: Final = "ses"
_TERMINAL: Final = "aws4_request"
_MESSAGE: Final = "SendRawEmail"
_VERSION: Final = b"\x04"


def smtp_password(secret_access_key: Secret, region: str) -> Secret:
    """The password that goes with the access key's id as user name, in ``region`` alone.

    Source: https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html, whose chain of HMAC-SHA256 begins like that
    of AWS Signature Version 4.
    """
    import hmac
    from base64 import b64encode

    signature = SecretOctets(f"AWS4{secret_access_key.reveal()}".encode())
    for text in (_DATE, region, _SERVICE, _TERMINAL, _MESSAGE):
        signature = SecretOctets(hmac.digest(signature, text.encode(), "sha256"))
    return Secret(b64encode(_VERSION + signature).decode())
