"""The record: a chapter's trials worked off by processes of one machine, or of several, and records joined."""
