"""Access tokens for ``token=``: clients that get them, keep them, and get the next one when it is time (RFC 6749).

`RefreshToken` needs no other library and works with any provider. Those for Google need ``pip install
"smtpkit[google]"``, those for Microsoft ``pip install "smtpkit[microsoft]"``.
"""

from smtpkit.oauth2.google import GoogleRefreshToken, GoogleServiceAccount
from smtpkit.oauth2.microsoft import MicrosoftClientCredentials, MicrosoftDeviceCode, MicrosoftRefreshToken
from smtpkit.oauth2.refresh_token import RefreshToken
from smtpkit.secret import Secret
from smtpkit.smtp.source import TokenClient

__all__ = [
    "GoogleRefreshToken",
    "GoogleServiceAccount",
    "MicrosoftClientCredentials",
    "MicrosoftDeviceCode",
    "MicrosoftRefreshToken",
    "RefreshToken",
    "Secret",
    "TokenClient",
]
