"""A local inbox for development: it takes every mail over SMTP, and shows it on a page."""
