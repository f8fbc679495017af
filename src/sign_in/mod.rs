//! Signing in by e-mail: the door for participants who hold an address and no participation code.
//!
//! Whoever asks for a code gets the same answer for the same work, whether or not the address is known: the request
//! never looks for a participant. The code that is sent holds for ten minutes, once, and for five tries; it is stored
//! as a keyed hash under the keyed hash of the address. Verifying it finds or makes the participant and opens a session.
//! The address itself is stored sealed and leaves the service only on its owner's demand.
//! A university's mail domain in the address is noted with the participant: reviews count as from a university's member.

pub mod body;
pub mod model;
pub mod routes;
pub mod store;

use crate::{
    db::Db,
    http::Error,
    sessions::{
        self,
        model::{ACCESS_LIFETIME, KEPT},
    },
    time::Timestamp,
};

/// Rows of each table that one run removes; a minute later comes the next.
const PURGED_AT_ONCE: i64 = 500;

/// Removes expired sign-in codes, sessions that have expired, and sessions that were ended.
///
/// An ended session stays for longer than an access token of it may hold, so that it is still known as ended.
pub async fn purge(db: &Db, now: Timestamp) -> Result<(), Error> {
    let lifetime = i64::try_from(ACCESS_LIFETIME.as_secs()).map_err(Error::internal)?;
    let before = now.plus_seconds(-2 * lifetime);
    db.write(move |conn| {
        store::purge(conn, now, PURGED_AT_ONCE)?;
        sessions::store::purge(conn, before, now.plus_seconds(-KEPT), PURGED_AT_ONCE)?;
        Ok(())
    })
    .await
}
