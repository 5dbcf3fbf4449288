import { ACCEPTED, FIRST_DONE, QUEUED } from "./submissions/stored-state.ts";

/**
 * Tables of answers to calls with a request id, and of submissions.
 *
 * Answers stand in the order in which they were saved, which is nearly that of
 * their times, so the expired ones are the first.
 *
 * A submission's long columns come last, and what lists do not show after what
 * they do. No index is unique but the keys: a submitter's mistake must not fail
 * a commit that holds the work of others. Nearly all submissions end as
 * ACCEPTED, and those are found well enough in the table itself, so the index
 * by state leaves them out. Totals are kept with each change because counting
 * takes too long.
 */
export const SENDING_TABLES = `
  CREATE TABLE answers (
    number INTEGER PRIMARY KEY,
    save_time INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    id TEXT NOT NULL,
    payload_hash BLOB NOT NULL,
    response BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX answers_id ON answers (id);
  CREATE TABLE answer_state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    answers INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO answer_state VALUES (1, 0, 0);
  CREATE TABLE submissions (
    number INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    policy INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    send_after INTEGER NOT NULL,
    expire_after INTEGER NOT NULL,
    due_time INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    destinations INTEGER NOT NULL,
    id TEXT NOT NULL,
    payload_hash BLOB NOT NULL,
    outcome BLOB NOT NULL,
    outcome_rest BLOB NOT NULL,
    request BLOB NOT NULL
  ) STRICT;
  CREATE INDEX submissions_id ON submissions (id);
  CREATE INDEX submissions_due ON submissions (due_time) WHERE state = ${QUEUED};
  CREATE INDEX submissions_expiry ON submissions (expire_after) WHERE state = ${QUEUED} AND expire_after > 0;
  CREATE INDEX submissions_done ON submissions (update_time) WHERE state >= ${FIRST_DONE};
  CREATE INDEX submissions_in_state ON submissions (state) WHERE state <> ${ACCEPTED};
  CREATE TABLE submission_state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    last_number INTEGER NOT NULL
  ) STRICT;
  INSERT INTO submission_state VALUES (1, 0);
  CREATE TABLE submission_totals (
    state INTEGER PRIMARY KEY,
    submissions INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
`;
