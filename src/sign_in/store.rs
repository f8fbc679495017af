//! Queries on `sign_in_codes` and `participant_addresses`.

use aws_lc_rs::constant_time;
use diesel::prelude::*;

use super::model::{CODE_LIFETIME, CODES, TRIES, WINDOW};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::{
        Role,
        principals::{self, Principal},
    },
    db::{
        Conn,
        schema::{participant_addresses, principals as principal_rows, sign_in_codes},
    },
    http::Error,
    ids::{PrincipalId, SessionId, UniversityId},
    on_each_backend,
    sessions::{self, Door, Grant},
    time::Timestamp,
    universities::{self, domain::Domain},
};

/// Puts a new code in the place of the one before. False when the address has had its share of codes: then the one
/// before stays, and nothing is to be sent.
pub fn put_code(conn: &mut Conn, address: &[u8; 32], code: &[u8; 32], now: Timestamp) -> QueryResult<bool> {
    let fresh = (
        sign_in_codes::code_hash.eq(code.to_vec()),
        sign_in_codes::attempts.eq(0),
        sign_in_codes::created_at.eq(now),
        sign_in_codes::expires_at.eq(now.plus_seconds(CODE_LIFETIME)),
    );
    let first = (sign_in_codes::sent.eq(1), sign_in_codes::counted_from.eq(now));
    let row = (sign_in_codes::address_hash.eq(address.to_vec()), fresh.clone(), first);
    let inserted = on_each_backend!(conn, |c| diesel::insert_into(sign_in_codes::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    if inserted == 1 {
        return Ok(true);
    }
    let row = sign_in_codes::table.find(address.to_vec());
    let long_ago = sign_in_codes::counted_from.le(now.plus_seconds(-WINDOW));
    if diesel::update(row.clone().filter(long_ago)).set((fresh.clone(), first)).execute(conn)? == 1 {
        return Ok(true);
    }
    let more = sign_in_codes::sent.eq(sign_in_codes::sent + 1);
    Ok(diesel::update(row.filter(sign_in_codes::sent.lt(CODES))).set((fresh, more)).execute(conn)? == 1)
}

/// A code that someone sends, and what is made if it is the right one.
pub struct Attempt {
    /// Keyed hash of the address.
    pub address_hash: [u8; 32],
    /// Keyed hash of address and code.
    pub code_hash: [u8; 32],
    /// The address, sealed.
    pub sealed: Vec<u8>,
    /// The address's domain.
    pub domain: Domain,
    /// The participant, if the address is new.
    pub principal: PrincipalId,
    /// The session.
    pub session: SessionId,
    /// Its refresh token; random.
    pub refresh_token: String,
}

/// Opens a session if the code is the right one. Whatever is wrong, the answer is `None`, the try is counted, and the
/// failure is written down.
pub fn verify(conn: &mut Conn, attempt: &Attempt, audit: &AuditKey, now: Timestamp) -> Result<Option<Grant>, Error> {
    let right = right_code(conn, &attempt.address_hash, &attempt.code_hash, now)?;
    let participant = if right { participant(conn, attempt, now)? } else { None };
    let Some(participant) = participant else {
        let event = Event { kind: AuditKind::SignInFailed, actor: None, subject: format!("door:{}", Door::Email) };
        audit::append(conn, audit, &event, now)?;
        return Ok(None);
    };
    let grant = sessions::store::open(conn, attempt.session, participant, Door::Email, &attempt.refresh_token, now)?;
    let subject = format!("session:{}", attempt.session);
    audit::append(conn, audit, &Event { kind: AuditKind::SignedIn, actor: Some(participant), subject }, now)?;
    Ok(Some(grant))
}

/// Counts the try, compares, and takes the code away when it was the right one.
///
/// The count comes first and locks the row: of many guesses at once, no more than [`TRIES`] are compared at all.
pub fn right_code(conn: &mut Conn, address: &[u8; 32], code: &[u8; 32], now: Timestamp) -> QueryResult<bool> {
    let row = sign_in_codes::table.find(address.to_vec());
    let open = row.clone().filter(sign_in_codes::attempts.lt(TRIES)).filter(sign_in_codes::expires_at.gt(now));
    let stored: Option<Vec<u8>> = diesel::update(open)
        .set(sign_in_codes::attempts.eq(sign_in_codes::attempts + 1))
        .returning(sign_in_codes::code_hash)
        .get_result(conn)
        .optional()?;
    let right = stored.is_some_and(|stored| constant_time::verify_slices_are_equal(&stored, code).is_ok());
    if right {
        diesel::delete(row).execute(conn)?;
    }
    Ok(right)
}

/// The participant with this address, made if there is none; `None` when they have lost their rights.
fn participant(conn: &mut Conn, attempt: &Attempt, now: Timestamp) -> Result<Option<PrincipalId>, Error> {
    // A list of universities that was imported later counts from the next sign-in on.
    let university = universities::store::of_mail_domain(conn, &attempt.domain)?;
    let known: Option<(PrincipalId, Option<UniversityId>, Option<Timestamp>)> = participant_addresses::table
        .inner_join(principal_rows::table)
        .filter(participant_addresses::address_hash.eq(attempt.address_hash.to_vec()))
        .select((
            participant_addresses::principal_id,
            participant_addresses::university_id,
            principal_rows::disabled_at,
        ))
        .first(conn)
        .optional()?;
    match known {
        Some((_, _, Some(_))) => Ok(None),
        Some((id, before, None)) => {
            if before != university {
                diesel::update(participant_addresses::table.find(id))
                    .set(participant_addresses::university_id.eq(university))
                    .execute(conn)?;
            }
            Ok(Some(id))
        }
        None => {
            let id = attempt.principal;
            principals::insert(conn, &Principal::new(id, Role::Participant, now))?;
            diesel::insert_into(participant_addresses::table)
                .values((
                    participant_addresses::principal_id.eq(id),
                    participant_addresses::address_hash.eq(attempt.address_hash.to_vec()),
                    participant_addresses::sealed.eq(&attempt.sealed),
                    participant_addresses::university_id.eq(university),
                ))
                .execute(conn)?;
            Ok(Some(id))
        }
    }
}

/// Forgets the code for an address, if there is one.
pub fn forget_code(conn: &mut Conn, address: &[u8]) -> QueryResult<()> {
    diesel::delete(sign_in_codes::table.find(address.to_vec())).execute(conn).map(drop)
}

/// Removes codes that have expired and count no more: at most `most` of them.
pub fn purge(conn: &mut Conn, now: Timestamp, most: i64) -> QueryResult<usize> {
    // The counting goes on for a while after a code has expired, but never for longer than this.
    let old: Vec<Vec<u8>> = sign_in_codes::table
        .filter(sign_in_codes::expires_at.lt(now.plus_seconds(-WINDOW)))
        .order(sign_in_codes::expires_at)
        .limit(most)
        .select(sign_in_codes::address_hash)
        .load(conn)?;
    diesel::delete(sign_in_codes::table.filter(sign_in_codes::address_hash.eq_any(old))).execute(conn)
}
