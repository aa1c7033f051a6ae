"""Webhooks after the Standard Webhooks specification: items posted to where a code wants them, in order."""
