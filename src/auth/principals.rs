//! Principals: everyone and everything that can hold a token.

use diesel::{
    dsl::{exists, not},
    prelude::*,
};
use uuid::Uuid;

use super::{Caller, Role, Verified};
use crate::{
    db::{
        Conn,
        schema::{clients, principals, revoked_tokens, sessions},
    },
    ids::{PrincipalId, ProviderId, SessionId, UniversityId},
    on_each_backend,
    time::Timestamp,
};

/// A row of `principals`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = principals)]
pub struct Principal {
    /// The token's `sub`.
    pub id: PrincipalId,
    /// The one role of this principal.
    pub role: Role,
    /// Set for the role provider.
    pub provider_id: Option<ProviderId>,
    /// Set for the role university.
    pub university_id: Option<UniversityId>,
    /// Tokens issued before this do not hold.
    pub tokens_valid_from: Timestamp,
    /// When the principal lost all rights.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Principal {
    /// A principal that has just been made.
    #[must_use]
    pub fn new(id: PrincipalId, role: Role, now: Timestamp) -> Self {
        Self {
            id,
            role,
            provider_id: None,
            university_id: None,
            tokens_valid_from: now,
            disabled_at: None,
            created_at: now,
        }
    }

    /// Whether a token with these claims still holds. Tokens count in whole seconds, so the comparison does too.
    #[must_use]
    pub fn stands_behind(&self, token: &Verified) -> bool {
        self.disabled_at.is_none()
            && self.role == token.scope.role()
            && token.issued_at >= self.tokens_valid_from.as_micros() / 1_000_000
    }

    /// The caller that such a token makes.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { id: self.id, role: self.role, provider: self.provider_id, university: self.university_id }
    }
}

/// Finds a principal.
pub fn find(conn: &mut Conn, id: PrincipalId) -> QueryResult<Option<Principal>> {
    principals::table.find(id).select(Principal::as_select()).first(conn).optional()
}

/// The principal behind a token that still holds: neither it nor its session nor the principal's rights have ended.
/// One statement, because every request with a token asks this.
pub fn behind(conn: &mut Conn, token: &Verified) -> QueryResult<Option<Principal>> {
    let session = token.session.unwrap_or(SessionId::from_uuid(Uuid::nil()));
    let ended = sessions::table.filter(sessions::id.eq(session)).filter(sessions::ended_at.is_not_null());
    let revoked = revoked_tokens::table.filter(revoked_tokens::jti.eq(token.jti.as_bytes().as_slice()));
    let found: Option<(Principal, bool, bool)> = principals::table
        .find(token.principal)
        .select((Principal::as_select(), exists(ended), exists(revoked)))
        .first(conn)
        .optional()?;
    Ok(found
        .filter(|(principal, ended, revoked)| !ended && !revoked && principal.stands_behind(token))
        .map(|(principal, ..)| principal))
}

/// Whether the token with this id has been revoked.
pub fn is_revoked(conn: &mut Conn, jti: Uuid) -> QueryResult<bool> {
    diesel::select(exists(revoked_tokens::table.find(jti.as_bytes().as_slice()))).get_result(conn)
}

/// Revokes one access token until it expires by itself, in `expires_at` Unix seconds. False when it had been revoked
/// before.
pub fn revoke_token(conn: &mut Conn, jti: Uuid, expires_at: i64) -> QueryResult<bool> {
    let row = (
        revoked_tokens::jti.eq(jti.as_bytes().to_vec()),
        revoked_tokens::expires_at.eq(Timestamp::EPOCH.plus_seconds(expires_at)),
    );
    on_each_backend!(conn, |c| diesel::insert_into(revoked_tokens::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|added| added == 1)
}

/// Forgets revocations of tokens that expired before `before`: at most `most` of them.
pub fn purge_revoked(conn: &mut Conn, before: Timestamp, most: i64) -> QueryResult<usize> {
    let old: Vec<Vec<u8>> = revoked_tokens::table
        .filter(revoked_tokens::expires_at.lt(before))
        .order(revoked_tokens::expires_at)
        .limit(most)
        .select(revoked_tokens::jti)
        .load(conn)?;
    if old.is_empty() {
        return Ok(0);
    }
    diesel::delete(revoked_tokens::table.filter(revoked_tokens::jti.eq_any(&old))).execute(conn)
}

/// Takes all rights from a principal: its tokens are refused from the next request on.
pub fn disable(conn: &mut Conn, id: PrincipalId, now: Timestamp) -> QueryResult<()> {
    let enabled = principals::table.find(id).filter(principals::disabled_at.is_null());
    diesel::update(enabled).set(principals::disabled_at.eq(now)).execute(conn).map(drop)
}

/// Refuses the tokens that a principal has been given up to now. Tokens count in whole seconds, so those of the
/// present second go too.
pub fn refuse_earlier_tokens(conn: &mut Conn, id: PrincipalId, now: Timestamp) -> QueryResult<()> {
    let row = principals::table.find(id);
    diesel::update(row).set(principals::tokens_valid_from.eq(now.plus_seconds(1))).execute(conn).map(drop)
}

/// Holds a principal's row until the commit, so that counting what they have made and making more is one step. `SQLite`
/// has one writer at a time anyway.
pub fn hold(conn: &mut Conn, id: PrincipalId) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => {
            let row = principals::table.find(id).select(principals::id);
            row.for_no_key_update().first::<PrincipalId>(c).map(drop)
        }
    }
}

/// The principal that acts for a provider by itself and not through a client, if there is one with rights.
pub fn of_provider(conn: &mut Conn, provider: ProviderId) -> QueryResult<Option<Principal>> {
    let query =
        principals::table.filter(principals::provider_id.eq(provider)).filter(principals::disabled_at.is_null());
    query.filter(not(of_a_client())).order(principals::id).select(Principal::as_select()).first(conn).optional()
}

/// The principal that acts for a university by itself and not through a client, if there is one with rights.
pub fn of_university(conn: &mut Conn, university: UniversityId) -> QueryResult<Option<Principal>> {
    let query =
        principals::table.filter(principals::university_id.eq(university)).filter(principals::disabled_at.is_null());
    query.filter(not(of_a_client())).order(principals::id).select(Principal::as_select()).first(conn).optional()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_a_client() -> _ {
    exists(clients::table.filter(clients::principal_id.eq(principals::id)))
}

/// Adds a principal.
pub fn insert(conn: &mut Conn, principal: &Principal) -> QueryResult<()> {
    diesel::insert_into(principals::table).values(principal).execute(conn).map(drop)
}
