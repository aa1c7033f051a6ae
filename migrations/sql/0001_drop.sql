DROP TABLE world, audit, closed_day, cap_day, inbox_ack, inbox, message_log, case_numbers, cases, routing, series,
    api_key, provider;

DROP FUNCTION inbox_next_seq, inbox_horizon, nrdb_now, hold_world, change_world, expect_rows, take_room;

DROP SEQUENCE inbox_seq;
