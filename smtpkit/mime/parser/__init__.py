"""From octets, or the standard library's message, back to fields (RFC 5322, RFC 2045)."""
