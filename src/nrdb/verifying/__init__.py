"""`nrdb verify`: the message log and the audit log, replayed into an empty database, must come to what stands here."""
