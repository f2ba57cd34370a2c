//! Answers that are kept under idempotency keys, as SQL.
//!
//! An answer that has not expired is never forgotten, or a client that asks again would be told that its change failed
//! though it happened. Where they are too many, a change that wants one more kept is refused.

use rusqlite::Connection;
use uuid::Uuid;

use super::query::{collect, column, execute};
use crate::limits::catalog as limits;
use crate::state::catalog::KeptAnswer;
use crate::state::error::Error;

/// What is kept under `key` and has not expired.
pub(super) fn find(connection: &Connection, key: Uuid, now_ms: i64) -> Result<Option<KeptAnswer>, Error> {
    let select = "SELECT digest, answer, expires_ms FROM answers WHERE key = ?1 AND expires_ms > ?2";
    let found = collect(connection, select, (key.to_string(), now_ms), |row| {
        Ok(KeptAnswer { key, digest: column(row, 0)?, answer: column(row, 1)?, expires_ms: column(row, 2)? })
    })?;
    Ok(found.into_iter().next())
}

/// Keeps `answer`. Called before the change that it belongs to, so that a request which came twice reads of its key.
pub(super) fn keep(connection: &Connection, answer: &KeptAnswer, now_ms: i64) -> Result<(), Error> {
    keep_within(connection, answer, now_ms, limits::KEPT_ANSWERS_BYTES_MAX)
}

fn keep_within(
    connection: &Connection,
    answer: &KeptAnswer,
    now_ms: i64,
    total_bytes_max: usize,
) -> Result<(), Error> {
    if answer.answer.len() > limits::KEPT_ANSWER_BYTES_MAX {
        return Err(Error::AnswerTooLarge { bytes: answer.answer.len() });
    }
    if find(connection, answer.key, now_ms)?.is_some() {
        return Err(Error::KeyUsed { key: answer.key });
    }
    let key = answer.key.to_string();
    execute(connection, "DELETE FROM answers WHERE key = ?1", [&key])?;
    let bytes = answer.answer.len() + limits::KEPT_ANSWER_OVERHEAD_BYTES;
    // A large one may need the place of many small ones.
    loop {
        let may_be_more = remove_expired(connection, now_ms)?;
        if total_bytes(connection)? + bytes <= total_bytes_max {
            break;
        }
        if !may_be_more {
            return Err(Error::TooManyAnswers);
        }
    }
    execute(
        connection,
        "INSERT INTO answers (key, digest, answer, expires_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
        (key, answer.digest, &answer.answer, answer.expires_ms, i64::try_from(bytes).unwrap_or(i64::MAX)),
    )
    .map(|_| ())
}

/// Removes some expired answers, oldest first; whether there may be more.
fn remove_expired(connection: &Connection, now_ms: i64) -> Result<bool, Error> {
    let count = execute(
        connection,
        "DELETE FROM answers WHERE rowid IN
         (SELECT rowid FROM answers WHERE expires_ms <= ?1 ORDER BY expires_ms LIMIT ?2)",
        (now_ms, i64::try_from(limits::EXPIRED_ANSWERS_REMOVED_MAX).unwrap_or(i64::MAX)),
    )?;
    Ok(count == limits::EXPIRED_ANSWERS_REMOVED_MAX)
}

fn total_bytes(connection: &Connection) -> Result<usize, Error> {
    let totals = collect(connection, "SELECT bytes FROM answers_total", [], |row| column::<i64>(row, 0))?;
    Ok(totals.first().map_or(0, |&bytes| usize::try_from(bytes).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    fn connection() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, std::path::Path::new("in memory")).unwrap();
        connection
    }

    fn answer(key: u128, bytes: usize, expires_ms: i64) -> KeptAnswer {
        KeptAnswer { key: Uuid::from_u128(key), digest: [0; 32], answer: vec![0; bytes], expires_ms }
    }

    #[test]
    fn answers_are_refused_beyond_their_bytes_until_others_expire() {
        let connection = connection();
        let total = 10 * (100 + limits::KEPT_ANSWER_OVERHEAD_BYTES);
        let keep = |answer: &KeptAnswer, now_ms| keep_within(&connection, answer, now_ms, total);
        for key in 0..10 {
            keep(&answer(key, 100, 50), 0).unwrap();
        }
        let refused = keep(&answer(10, 0, 50), 0);
        assert!(matches!(refused, Err(Error::TooManyAnswers)), "{refused:?}");
        assert_eq!(total_bytes(&connection).unwrap(), total);
        keep(&answer(10, 100, 99), 50).unwrap();
        assert_eq!(total_bytes(&connection).unwrap(), 100 + limits::KEPT_ANSWER_OVERHEAD_BYTES);
    }

    #[test]
    fn expired_answers_go_some_at_a_time_and_more_where_room_is_needed() {
        let connection = connection();
        let count = |connection: &Connection| {
            collect(connection, "SELECT count(*) FROM answers", [], |row| column::<i64>(row, 0)).unwrap()[0]
        };
        let at_once = i64::try_from(limits::EXPIRED_ANSWERS_REMOVED_MAX).unwrap();
        let many = 5 * limits::EXPIRED_ANSWERS_REMOVED_MAX;
        for key in 0..many {
            keep(&connection, &answer(key as u128, 0, 50), 0).unwrap();
        }
        keep(&connection, &answer(1_000, 0, 99), 50).unwrap();
        assert_eq!(count(&connection), 4 * at_once + 1);
        // What an expired answer has kept its key, another one may take it.
        keep(&connection, &answer(many as u128 - 1, 0, 99), 50).unwrap();
        let total = many * limits::KEPT_ANSWER_OVERHEAD_BYTES;
        let large = answer(2_000, total - 3 * limits::KEPT_ANSWER_OVERHEAD_BYTES, 99);
        keep_within(&connection, &large, 50, total).unwrap();
        assert_eq!(count(&connection), 3);
        assert_eq!(total_bytes(&connection).unwrap(), total);
    }
}
