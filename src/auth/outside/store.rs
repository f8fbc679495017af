//! Queries on `outside_identities`.

use diesel::prelude::*;
use uuid::Uuid;

use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::{
        REVOKED, Role,
        principals::{self, Principal},
    },
    db::{
        Conn,
        schema::{outside_identities, principals as principals_table},
    },
    http::Error,
    ids::PrincipalId,
    on_each_backend,
    time::Timestamp,
};

/// The participant with this identity, if it was seen before.
pub fn find(conn: &mut Conn, identity: &[u8; 32]) -> QueryResult<Option<PrincipalId>> {
    let query = outside_identities::table.find(identity.as_slice());
    query.select(outside_identities::principal_id).first(conn).optional()
}

/// The participant with this identity, if it was seen before. [`REVOKED`] when it was not and the token `jti` has been
/// revoked: the token of an erased participant makes no new one.
///
/// The identity is looked for first: an erasure in between removes it and revokes the token at once.
pub fn known(conn: &mut Conn, identity: &[u8; 32], jti: Uuid) -> Result<Option<PrincipalId>, Error> {
    match find(conn, identity)? {
        Some(known) => Ok(Some(known)),
        None if principals::is_revoked(conn, jti)? => Err(REVOKED),
        None => Ok(None),
    }
}

/// The participant with this identity; at first sight it is made, with the id `fresh`, unless the token with the id
/// that stands beside the identity has been revoked. Of two that make it at once, both get the same.
pub fn find_or_make(
    conn: &mut Conn,
    audit_key: &AuditKey,
    (identity, jti): (&[u8; 32], Uuid),
    fresh: PrincipalId,
    now: Timestamp,
) -> Result<PrincipalId, Error> {
    if let Some(known) = known(conn, identity, jti)? {
        return Ok(known);
    }
    let mut principal = Principal::new(fresh, Role::Participant, now);
    // The token was issued before this service saw it.
    principal.tokens_valid_from = Timestamp::EPOCH;
    principals::insert(conn, &principal)?;
    let row = (outside_identities::identity_hash.eq(identity.to_vec()), outside_identities::principal_id.eq(fresh));
    let made = on_each_backend!(conn, |c| diesel::insert_into(outside_identities::table)
        .values(row)
        .on_conflict(outside_identities::identity_hash)
        .do_nothing()
        .execute(c))?;
    if made == 0 {
        // Somebody else was faster; nothing refers to this principal yet.
        diesel::delete(principals_table::table.find(fresh)).execute(conn)?;
        return find(conn, identity)?.ok_or_else(|| Error::internal("an outside identity came and went"));
    }
    let event = Event { kind: AuditKind::SignedIn, actor: Some(fresh), subject: "door:outside".to_owned() };
    audit::append(conn, audit_key, &event, now)?;
    Ok(fresh)
}
