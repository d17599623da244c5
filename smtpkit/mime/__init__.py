"""The content of a mail: from fields to bytes (RFC 5322, 2045-2047, 2231)."""
