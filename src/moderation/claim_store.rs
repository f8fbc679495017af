//! Claims: who is working on what waits. A claim keeps other moderators from deciding until its time has passed, and ends
//! with the next decision.

use diesel::{prelude::*, query_dsl::methods::FilterDsl, upsert::excluded};
use uuid::Uuid;

use super::{
    SubjectKind,
    queue::QueueKind,
    queue_store::{self, Waiting},
    store,
};
use crate::{
    appeals::store as appeals,
    auth::Caller,
    db::{Conn, schema::moderation_claims},
    http::Error,
    ids::{AppealId, PrincipalId, QueueItemId},
    on_each_backend,
    time::Timestamp,
};

/// How long a claim holds, in seconds.
pub const LEASE: i64 = 30 * 60;

/// Claims something that waits, or holds it for longer.
///
/// [`Error::NotFound`] when it does not wait, [`Error::Forbidden`] when the moderator is linked to the provider or wrote
/// it, [`Error::Conflict`] when another moderator has claimed it.
pub fn take(conn: &mut Conn, by: &Caller, kind: QueueKind, id: QueueItemId, now: Timestamp) -> Result<Waiting, Error> {
    let mut item = queue_store::find(conn, kind, id, by.id, now)?;
    if item.author == Some(by.id) {
        return Err(Error::Forbidden("Nobody rules on what they wrote themselves."));
    }
    store::permit_ruling_about(conn, by, item.program)?;
    if kind == QueueKind::Appeal {
        appeals::find_to_rule(conn, AppealId::from_uuid(*id.as_uuid()), by)?;
    }
    let until = now.plus_seconds(LEASE);
    let row = (
        moderation_claims::subject_kind.eq(kind.subject()),
        moderation_claims::subject_id.eq(id.as_uuid().as_bytes().to_vec()),
        moderation_claims::moderator_id.eq(by.id),
        moderation_claims::expires_at.eq(until),
    );
    let taken = on_each_backend!(conn, |c| FilterDsl::filter(
        diesel::insert_into(moderation_claims::table)
            .values(&row)
            .on_conflict((moderation_claims::subject_kind, moderation_claims::subject_id))
            .do_update()
            .set((
                moderation_claims::moderator_id.eq(excluded(moderation_claims::moderator_id)),
                moderation_claims::expires_at.eq(excluded(moderation_claims::expires_at)),
            )),
        moderation_claims::moderator_id.eq(by.id).or(moderation_claims::expires_at.le(now)),
    )
    .execute(c))?;
    if taken == 0 {
        return Err(claimed(item.claim.map(|(_, until)| until)));
    }
    item.claim = Some((by.id, until));
    Ok(item)
}

fn claimed(until: Option<Timestamp>) -> Error {
    let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
    Error::Conflict(format!("Another moderator has claimed this{until}."))
}

fn holder(conn: &mut Conn, kind: SubjectKind, id: &Uuid) -> QueryResult<Option<(PrincipalId, Timestamp)>> {
    QueryDsl::select(
        moderation_claims::table.find((kind, id.as_bytes().to_vec())),
        (moderation_claims::moderator_id, moderation_claims::expires_at),
    )
    .first(conn)
    .optional()
}

/// Gives a claim back. [`Error::NotFound`] when there is none, [`Error::Conflict`] when it is another moderator's.
pub fn give_back(conn: &mut Conn, by: &Caller, kind: QueueKind, id: QueueItemId, now: Timestamp) -> Result<(), Error> {
    let subject = kind.subject();
    match holder(conn, subject, id.as_uuid())?.filter(|(_, until)| *until > now) {
        None => Err(Error::NotFound("claim")),
        Some((holder, until)) if holder != by.id => Err(claimed(Some(until))),
        Some(_) => Ok(end(conn, subject, id.as_uuid())?),
    }
}

/// Refuses a decision on what another moderator has claimed. Called in the transaction of the decision, by every decision
/// on what can be in the queue.
pub fn permit(conn: &mut Conn, by: &Caller, kind: SubjectKind, id: &Uuid, now: Timestamp) -> Result<(), Error> {
    match holder(conn, kind, id)? {
        Some((holder, until)) if holder != by.id && until > now => Err(claimed(Some(until))),
        _ => Ok(()),
    }
}

/// Ends the claim on something that was decided, or that does not wait any more.
pub fn end(conn: &mut Conn, kind: SubjectKind, id: &Uuid) -> QueryResult<()> {
    diesel::delete(moderation_claims::table.find((kind, id.as_bytes().to_vec()))).execute(conn).map(drop)
}

/// Removes claims whose time has passed at `now`, at most `most` of them.
pub fn purge(conn: &mut Conn, now: Timestamp, most: i64) -> QueryResult<usize> {
    let old: Vec<(SubjectKind, Vec<u8>)> =
        QueryDsl::filter(moderation_claims::table, moderation_claims::expires_at.le(now))
            .order(moderation_claims::expires_at)
            .limit(most)
            .select((moderation_claims::subject_kind, moderation_claims::subject_id))
            .load(conn)?;
    let mut removed = 0;
    for key in old {
        // One that was renewed meanwhile stays.
        let over = FilterDsl::filter(moderation_claims::table.find(key), moderation_claims::expires_at.le(now));
        removed += diesel::delete(over).execute(conn)?;
    }
    Ok(removed)
}
