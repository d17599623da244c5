"""The Simple Mail Transfer Protocol (RFC 5321): what is said, in which order, and what it means."""
