import type { DatabaseSync } from "node:sqlite";
import type { Findings } from "./findings.ts";

/** Each statement reads one state of the file, also beside a service that writes it. */
const ANSWERS =
  "SELECT count(*) AS found, total(bytes) AS found_bytes, total(length(payload_hash) <> 32) AS bad_hashes, " +
  "(SELECT answers FROM answer_state) AS told, (SELECT bytes FROM answer_state) AS told_bytes FROM answers";
const SUBMISSIONS =
  "SELECT count(*) AS found, total(length(payload_hash) <> 32) AS bad_hashes, " +
  "total(state NOT BETWEEN 1 AND 7) AS bad_states, " +
  "total(bytes <> length(request) + length(outcome) + length(outcome_rest)) AS bad_sizes, " +
  "coalesce(max(number), 0) > (SELECT last_number FROM submission_state) AS is_past_last FROM submissions";
const TOTALS =
  "SELECT state, total(submissions) AS difference, total(bytes) AS byte_difference FROM (" +
  "SELECT state, submissions, bytes FROM submission_totals UNION ALL SELECT state, -1, -bytes FROM submissions" +
  ") GROUP BY state HAVING difference <> 0 OR byte_difference <> 0 ORDER BY state";
const REPEATED_IDS =
  "SELECT count(*) AS ids FROM (SELECT id FROM submissions INDEXED BY submissions_id GROUP BY id HAVING count(*) > 1)";

/** Compares answers with what is told of them; how many there are. @throws an error of node:sqlite */
export function verifyAnswers(database: DatabaseSync, findings: Findings): number {
  const row = database.prepare(ANSWERS).get() ?? {};
  const found = Number(row.found);
  if (found !== Number(row.told) || Number(row.found_bytes) !== Number(row.told_bytes))
    findings.add("answers", "are not as many, or not as large, as their state says");
  if (Number(row.bad_hashes) > 0)
    findings.add("answers", `${Number(row.bad_hashes)} have a payload hash of a wrong length`);
  return found;
}

/** Compares submissions with what is told of them; how many there are. @throws an error of node:sqlite */
export function verifySubmissions(database: DatabaseSync, findings: Findings): number {
  const row = database.prepare(SUBMISSIONS).get() ?? {};
  const complain = (count: unknown, problem: string): void => {
    if (Number(count) > 0) findings.add("submissions", `${Number(count)} ${problem}`);
  };
  complain(row.bad_states, "are in a state that does not exist");
  complain(row.bad_sizes, "are not of the size that is told");
  complain(row.bad_hashes, "have a payload hash of a wrong length");
  complain(database.prepare(REPEATED_IDS).get()?.ids, "ids stand for more than one");
  if (Number(row.is_past_last) === 1)
    findings.add("submissions", "their last number is past the one that is told");
  for (const { state } of database.prepare(TOTALS).all())
    findings.add(`submissions in state ${state}`, "are not as many, or not as large, as their total says");
  return Number(row.found);
}
