//! Notices by mail, for participants and providers who give an address for them.
//!
//! A notice is written into the outbox in the transaction of what it tells of, so there is neither without the other.
//! It holds no address and no text: only what happened to which thing, and whose it is. A task of its own sends it,
//! at least once: it puts off the next attempt before it tries, so that of several servers one sends it, and a server
//! that dies leaves it to be tried again. The letter says what happened in one sentence and where to read it; never a
//! reason, a content, or who else is in it.

pub mod address_store;
pub mod model;
pub mod routes;
pub mod store;

use std::sync::Arc;

use futures_util::future::join_all;

use self::{
    model::{NoticeKeys, letter},
    store::{Claimed, Tried},
};
use crate::{app::State, http::Error, mail::Letter, time::Timestamp};

/// Letters on their way at once.
const AT_ONCE: i64 = 16;
/// Times that one run looks for more; the next run is seconds away.
const ROUNDS: usize = 50;
/// Days for which it is known that a letter was sent.
const KEPT_DAYS: i64 = 30;
/// Settled notices that one run forgets.
const FORGOTTEN: i64 = 1000;

/// Sends what is due at `now`, each letter once, and returns how many were sent. One that fails is due again later, and
/// given up after some attempts ([`model::pause`]).
///
/// # Errors
/// Those of the database. That mail fails is counted and logged, and no error.
pub async fn deliver_due(state: &State, now: Timestamp) -> Result<usize, Error> {
    let keys = NoticeKeys::derive(state.auth.keys().secret());
    let mut sent = 0;
    for _ in 0..ROUNDS {
        let due = state.db.write(move |conn| Ok(store::claim(conn, now, AT_ONCE)?)).await?;
        for _ in 0..due.given_up {
            state.metrics.noticed("given_up");
        }
        let found = due.found;
        let tries = join_all(due.letters.into_iter().map(|claimed| attempt(state, &keys, claimed, now))).await;
        for one in &tries {
            match one {
                Tried::Sent(_) => {
                    sent += 1;
                    state.metrics.noticed("sent");
                }
                Tried::Failed(_) => state.metrics.noticed("failed"),
                Tried::GivenUp(_) => state.metrics.noticed("given_up"),
            }
        }
        if !tries.is_empty() {
            let tries = Arc::new(tries);
            state.db.write(move |conn| Ok(store::settle(conn, &tries, now)?)).await?;
        }
        if found == 0 {
            break;
        }
    }
    Ok(sent)
}

async fn attempt(state: &State, keys: &NoticeKeys, claimed: Claimed, now: Timestamp) -> Tried {
    let id = claimed.row.id;
    let Some(to) = keys.open(&claimed.sealed) else {
        tracing::error!(notice = %id, "an address for notices does not open with the key of this service");
        return Tried::GivenUp(id);
    };
    let (subject, text) = letter(&claimed.row.what(), &state.config.public_url);
    let message = Letter { id: *id.as_uuid(), at: now, to, subject, text };
    match state.mailer.send(message).await {
        Ok(()) => Tried::Sent(id),
        Err(error) => {
            tracing::warn!(notice = %id, %error, attempt = claimed.row.attempts + 1, "a notice was not sent");
            // The one just made is not counted in the row as it was read.
            if model::pause(claimed.row.attempts + 1).is_none() { Tried::GivenUp(id) } else { Tried::Failed(id) }
        }
    }
}

/// Forgets notices that were sent or given up some time ago.
pub async fn forget_settled(state: &State, now: Timestamp) -> Result<usize, Error> {
    let before = now.plus_seconds(-KEPT_DAYS * 86_400);
    state.db.write(move |conn| Ok(store::forget_settled(conn, before, FORGOTTEN)?)).await
}
