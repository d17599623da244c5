"""The shortest useful program: SMTP_URL says where, SMTP_TO to whom."""

import os

from smtpkit import DeliveryError, Mailer

try:
    with Mailer.from_env() as mailer:
        draft = mailer.compose().to(os.environ["SMTP_TO"]).subject("Hello").text("Hi!").html("<p>Hi!")
        print(draft.attach("README.md").send())
except DeliveryError as error:
    print(f"Not sent: {error}")
