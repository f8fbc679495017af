//! After a time, what was refused, removed or taken back is emptied of all that anybody wrote in it. The rows stay: what
//! was decided when, about what kind of thing. Nothing that is emptied counts for a score or a verdict, so neither
//! changes.
//!
//! The job looks for rows that still hold something, by indexes that hold no others; so it goes on where it was stopped,
//! and also finds what another version of the program has written.

pub mod store;

use crate::{db::Db, http::Error, time::Timestamp};

/// Items emptied in one transaction, so that other writes need not wait for long.
const AT_ONCE: i64 = 200;
/// Transactions of one run; a minute later comes the next.
const ROUNDS: usize = 50;

/// Empties what has been out of use for `days`, and returns how many items. 0 days keeps everything.
pub async fn purge(db: &Db, days: u32, now: Timestamp) -> Result<i64, Error> {
    if days == 0 {
        return Ok(0);
    }
    let before = now.plus_seconds(-i64::from(days) * 86_400);
    let mut all = 0;
    for _ in 0..ROUNDS {
        let emptied = db.write(move |conn| store::purge(conn, before, AT_ONCE)).await?;
        all += emptied;
        if emptied < AT_ONCE {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(all)
}
