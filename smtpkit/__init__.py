"""Sending mail over SMTP: ``from smtpkit import Mailer``."""
