//! Queries on `sessions` and `refresh_tokens`.

use diesel::prelude::*;

use super::model::{ABSOLUTE, Door, Grant, IDLE, SuccessorKey, Times, Use};
use crate::{
    auth::secrets,
    db::{
        Conn,
        schema::{principals, refresh_tokens, sessions},
    },
    http::Error,
    ids::{PrincipalId, SessionId},
    time::Timestamp,
};

/// A row of `sessions`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub principal_id: PrincipalId,
    /// How it was opened.
    pub door: Door,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

/// Opens a session with the first refresh token `token`, which nobody can guess.
pub fn open(
    conn: &mut Conn,
    id: SessionId,
    principal: PrincipalId,
    door: Door,
    token: &str,
    now: Timestamp,
) -> Result<Grant, Error> {
    let expires_at = now.plus_seconds(ABSOLUTE);
    let row = SessionRow {
        id,
        principal_id: principal,
        door,
        created_at: now,
        last_used_at: now,
        expires_at,
        ended_at: None,
    };
    diesel::insert_into(sessions::table).values(&row).execute(conn)?;
    add_token(conn, id, token, now, expires_at)?;
    Ok(Grant { principal, session: id, refresh_token: token.to_owned() })
}

fn add_token(conn: &mut Conn, id: SessionId, token: &str, now: Timestamp, session_end: Timestamp) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(secrets::hash(token).to_vec()),
            refresh_tokens::session_id.eq(id),
            refresh_tokens::created_at.eq(now),
            refresh_tokens::expires_at.eq(now.plus_seconds(IDLE).min(session_end)),
        ))
        .execute(conn)
        .map(drop)
}

/// What became of a refresh token that was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// It was exchanged.
    Granted(Grant),
    /// It had been exchanged before: the session has been ended with this.
    Reused(PrincipalId, SessionId),
    /// It does not hold: unknown, expired, or of a session or principal that has ended.
    Refused,
}

/// Exchanges a refresh token for its successor. Of two at once, the second gets the same successor.
pub fn refresh(conn: &mut Conn, key: &SuccessorKey, token: &str, now: Timestamp) -> Result<Refreshed, Error> {
    let hash = secrets::hash(token).to_vec();
    // Marked first: this takes the row's lock, so what is read next is settled.
    let first = diesel::update(refresh_tokens::table.find(&hash))
        .filter(refresh_tokens::used_at.is_null())
        .set(refresh_tokens::used_at.eq(now))
        .execute(conn)?
        == 1;
    let Some((session, mut times, disabled)) = find(conn, &hash)? else { return Ok(Refreshed::Refused) };
    if first {
        times.used_at = None;
    }
    if disabled {
        return Ok(Refreshed::Refused);
    }
    match times.at(now) {
        Use::First => {
            let successor = key.successor(token);
            add_token(conn, session.id, &successor, now, session.expires_at)?;
            diesel::update(sessions::table.find(session.id)).set(sessions::last_used_at.eq(now)).execute(conn)?;
            Ok(granted(&session, successor))
        }
        Use::Again => Ok(granted(&session, key.successor(token))),
        Use::Reused => {
            end(conn, session.id, now)?;
            Ok(Refreshed::Reused(session.principal_id, session.id))
        }
        Use::Expired => Ok(Refreshed::Refused),
    }
}

fn granted(session: &SessionRow, refresh_token: String) -> Refreshed {
    Refreshed::Granted(Grant { principal: session.principal_id, session: session.id, refresh_token })
}

fn find(conn: &mut Conn, hash: &[u8]) -> QueryResult<Option<(SessionRow, Times, bool)>> {
    let found: Option<(SessionRow, Timestamp, Option<Timestamp>, Option<Timestamp>)> = refresh_tokens::table
        .inner_join(sessions::table.inner_join(principals::table))
        .filter(refresh_tokens::token_hash.eq(hash))
        .select((SessionRow::as_select(), refresh_tokens::expires_at, refresh_tokens::used_at, principals::disabled_at))
        .first(conn)
        .optional()?;
    Ok(found.map(|(session, expires_at, used_at, disabled_at)| {
        let times =
            Times { expires_at, used_at, session_expires_at: session.expires_at, session_ended_at: session.ended_at };
        (session, times, disabled_at.is_some())
    }))
}

/// The session of a refresh token, whether or not the token still holds.
pub fn of_token(conn: &mut Conn, token: &str) -> QueryResult<Option<SessionRow>> {
    Ok(find(conn, &secrets::hash(token))?.map(|(session, ..)| session))
}

/// The session of a refresh token that still holds and has not been used, and when the token expires.
pub fn holding(conn: &mut Conn, token: &str, now: Timestamp) -> QueryResult<Option<(SessionRow, Timestamp)>> {
    let found = find(conn, &secrets::hash(token))?;
    Ok(found
        .filter(|(_, times, disabled)| !disabled && times.at(now) == Use::First)
        .map(|(session, times, _)| (session, times.expires_at)))
}

/// Ends a session; its access tokens are refused from the next request on. False when it had ended before.
pub fn end(conn: &mut Conn, id: SessionId, now: Timestamp) -> QueryResult<bool> {
    let open = sessions::table.find(id).filter(sessions::ended_at.is_null());
    Ok(diesel::update(open).set(sessions::ended_at.eq(now)).execute(conn)? == 1)
}

/// Ends every session of a principal.
pub fn end_all(conn: &mut Conn, principal: PrincipalId, now: Timestamp) -> QueryResult<usize> {
    let open = sessions::table.filter(sessions::principal_id.eq(principal)).filter(sessions::ended_at.is_null());
    diesel::update(open).set(sessions::ended_at.eq(now)).execute(conn)
}

/// Removes sessions that expired before `expired` and sessions that were ended before `ended`, with their refresh
/// tokens: at most `most` of either.
pub fn purge(conn: &mut Conn, expired: Timestamp, ended: Timestamp, most: i64) -> QueryResult<usize> {
    // Two statements, each with an index of its own.
    let mut old: Vec<SessionId> = sessions::table
        .filter(sessions::expires_at.lt(expired))
        .order(sessions::expires_at)
        .limit(most)
        .select(sessions::id)
        .load(conn)?;
    let ended: Vec<SessionId> = sessions::table
        .filter(sessions::ended_at.lt(ended))
        .order(sessions::ended_at)
        .limit(most)
        .select(sessions::id)
        .load(conn)?;
    old.extend(ended);
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(&old))).execute(conn)?;
    diesel::delete(sessions::table.filter(sessions::id.eq_any(&old))).execute(conn)
}
