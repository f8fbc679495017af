//! What is forgotten of flags.

use diesel::prelude::*;

use crate::{
    db::{Conn, schema::review_flags},
    ids::{PrincipalId, ReviewId},
};

/// Forgets who made these flags and what they wrote; that they were made, and why, stays.
pub fn erase(conn: &mut Conn, participant: PrincipalId) -> QueryResult<()> {
    let own = review_flags::table.filter(review_flags::party_id.eq(participant.as_uuid().as_bytes().to_vec()));
    diesel::update(own)
        .set((review_flags::party_id.eq(None::<Vec<u8>>), review_flags::note.eq(None::<String>)))
        .execute(conn)
        .map(drop)
}

/// Forgets what was written about a review whose text is erased: it may quote it.
pub fn erase_notes_about(conn: &mut Conn, review: ReviewId) -> QueryResult<()> {
    let about = review_flags::table.filter(review_flags::review_id.eq(review));
    diesel::update(about).set(review_flags::note.eq(None::<String>)).execute(conn).map(drop)
}
