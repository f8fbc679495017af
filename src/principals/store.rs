//! Queries on principals for admins, and on conflicts of interest.

use diesel::{
    dsl::exists,
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::model::{ConflictInput, is_shown, rules};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::Role,
    db::{
        Conn,
        schema::{conflicts_of_interest, principals, providers, universities},
    },
    http::{Error, FaultCode},
    ids::{ConflictId, PrincipalId, ProviderId, UniversityId},
    sessions,
    time::Timestamp,
};

/// A principal as admins see it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = principals)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct PrincipalRow {
    pub id: PrincipalId,
    pub role: Role,
    pub provider_id: Option<ProviderId>,
    pub university_id: Option<UniversityId>,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub disabled_reason: Option<String>,
}

/// Principals of one role after `after`, oldest first (ids carry time), at most `limit`.
pub fn list(conn: &mut Conn, role: Role, after: Option<PrincipalId>, limit: i64) -> QueryResult<Vec<PrincipalRow>> {
    let mut query = principals::table
        .filter(principals::role.eq(role))
        .order(principals::id)
        .limit(limit)
        .select(PrincipalRow::as_select())
        .into_boxed();
    if let Some(last) = after {
        query = query.filter(principals::id.gt(last));
    }
    query.load(conn)
}

/// Finds a principal that admins may see; a participant does not exist for them.
pub fn find(conn: &mut Conn, id: PrincipalId) -> Result<PrincipalRow, Error> {
    let row = find_any(conn, id)?;
    if is_shown(row.role) { Ok(row) } else { Err(NOT_FOUND) }
}

/// Finds a principal of any role. Participants are neither listed nor shown to admins, but whoever has the id of one
/// who abuses the service can end it.
pub fn find_any(conn: &mut Conn, id: PrincipalId) -> Result<PrincipalRow, Error> {
    let row = principals::table.find(id).select(PrincipalRow::as_select()).first(conn).optional()?;
    row.ok_or(NOT_FOUND)
}

const NOT_FOUND: Error = Error::NotFound("principal");

/// Takes all rights from a principal and ends its sessions. `by` is the admin; `None` is the command line.
///
/// # Errors
/// [`Error::NotFound`] for unknown ids, [`Error::Conflict`] when it was removed before or is the last
/// active admin.
pub fn remove(
    conn: &mut Conn,
    id: PrincipalId,
    by: Option<PrincipalId>,
    reason: &str,
    key: &AuditKey,
    now: Timestamp,
) -> Result<PrincipalRow, Error> {
    let row = find_any(conn, id)?;
    if row.role == Role::Admin {
        lock_admins(conn)?;
    }
    let active = principals::table.find(id).filter(principals::disabled_at.is_null());
    let removed = diesel::update(active)
        .set((principals::disabled_at.eq(now), principals::disabled_reason.eq(reason)))
        .execute(conn)?;
    if removed == 0 {
        return Err(Error::Conflict("The principal was removed before.".to_owned()));
    }
    let admins = principals::table.filter(principals::role.eq(Role::Admin)).filter(principals::disabled_at.is_null());
    if row.role == Role::Admin && !diesel::select(exists(admins)).get_result(conn)? {
        return Err(Error::Conflict("This is the last active admin; make another one before.".to_owned()));
    }
    sessions::store::end_all(conn, id, now)?;
    let removed = find_any(conn, id)?;
    let event = Event { kind: AuditKind::PrincipalRemoved, actor: by, subject: format!("principal:{id}") };
    audit::append(conn, key, &event, now)?;
    Ok(removed)
}

/// Locks the rows of the active admins until the commit, so that of two admins who remove each other at once the
/// second waits and then sees that it is the last. A statement that changes nothing, because SQLite has no
/// `FOR UPDATE` and needs no lock.
fn lock_admins(conn: &mut Conn) -> QueryResult<()> {
    let admins = principals::table.filter(principals::role.eq(Role::Admin)).filter(principals::disabled_at.is_null());
    diesel::update(admins).set(principals::tokens_valid_from.eq(principals::tokens_valid_from)).execute(conn).map(drop)
}

/// A conflict of interest.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = conflicts_of_interest)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct ConflictRow {
    pub id: ConflictId,
    pub principal_id: PrincipalId,
    pub provider_id: Option<ProviderId>,
    pub university_id: Option<UniversityId>,
    pub created_at: Timestamp,
}

impl ConflictRow {
    fn event(&self, kind: AuditKind, by: PrincipalId) -> Event {
        let (party, id) = match (self.provider_id, self.university_id) {
            (Some(provider), _) => ("provider", provider.to_string()),
            (None, university) => ("university", university.map(|id| id.to_string()).unwrap_or_default()),
        };
        Event { kind, actor: Some(by), subject: format!("principal:{} {party}:{id}", self.principal_id) }
    }
}

/// The conflicts of a principal after `after`, oldest first, at most `limit`.
pub fn conflicts(
    conn: &mut Conn,
    principal: PrincipalId,
    after: Option<ConflictId>,
    limit: i64,
) -> Result<Vec<ConflictRow>, Error> {
    find(conn, principal)?;
    let mut query = conflicts_of_interest::table
        .filter(conflicts_of_interest::principal_id.eq(principal))
        .order(conflicts_of_interest::id)
        .limit(limit)
        .select(ConflictRow::as_select())
        .into_boxed();
    if let Some(last) = after {
        query = query.filter(conflicts_of_interest::id.gt(last));
    }
    Ok(query.load(conn)?)
}

/// Finds a conflict of this principal.
pub fn conflict(conn: &mut Conn, principal: PrincipalId, id: ConflictId) -> Result<ConflictRow, Error> {
    let row: Option<ConflictRow> = conflicts_of_interest::table
        .find(id)
        .filter(conflicts_of_interest::principal_id.eq(principal))
        .select(ConflictRow::as_select())
        .first(conn)
        .optional()?;
    row.ok_or(Error::NotFound("conflict of interest"))
}

/// Writes a conflict of interest down.
///
/// # Errors
/// [`Error::NotFound`] for unknown ids, [`Error::Conflict`] when the principal does not rule or the
/// conflict is known, [`Error::Invalid`] when there is no such provider or university.
pub fn add_conflict(
    conn: &mut Conn,
    principal: PrincipalId,
    input: ConflictInput,
    id: ConflictId,
    by: PrincipalId,
    key: &AuditKey,
    now: Timestamp,
) -> Result<ConflictRow, Error> {
    if !rules(find(conn, principal)?.role) {
        return Err(Error::Conflict("Only moderators and assessors rule on others.".to_owned()));
    }
    if let Some(provider) = input.provider
        && !diesel::select(exists(providers::table.find(provider))).get_result::<bool>(conn)?
    {
        return Err(Error::field("/provider", FaultCode::NotAllowed, "There is no such provider."));
    }
    if let Some(university) = input.university
        && !diesel::select(exists(universities::table.find(university))).get_result::<bool>(conn)?
    {
        return Err(Error::field("/university", FaultCode::NotAllowed, "There is no such university."));
    }
    let row = ConflictRow {
        id,
        principal_id: principal,
        provider_id: input.provider,
        university_id: input.university,
        created_at: now,
    };
    diesel::insert_into(conflicts_of_interest::table).values(&row).execute(conn).map_err(|error| match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            Error::Conflict("This conflict of interest is written down already.".to_owned())
        }
        other => Error::Database(other),
    })?;
    audit::append(conn, key, &row.event(AuditKind::ConflictAdded, by), now)?;
    Ok(row)
}

/// Takes a conflict of interest back. The security log keeps that there was one.
pub fn remove_conflict(
    conn: &mut Conn,
    principal: PrincipalId,
    id: ConflictId,
    by: PrincipalId,
    key: &AuditKey,
    now: Timestamp,
) -> Result<(), Error> {
    let row = conflict(conn, principal, id)?;
    if diesel::delete(conflicts_of_interest::table.find(id)).execute(conn)? == 0 {
        return Err(Error::NotFound("conflict of interest"));
    }
    audit::append(conn, key, &row.event(AuditKind::ConflictRemoved, by), now)
}
