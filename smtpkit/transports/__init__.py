"""Where mail goes: SMTP servers, a fake for tests, functions of your own."""
