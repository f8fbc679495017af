//! Queries on `confirmation_requests` and `confirmations`.

use diesel::{dsl::exists, prelude::*};

use super::model::{ConfirmationRuling, Outcome, PENDING_MAX, RequestAction, RequestStatus};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::{Caller, Role, principals},
    cohorts::store::unknown_program,
    db::{
        Conn,
        schema::{confirmation_requests, confirmations, principals as principal_rows, programs},
    },
    http::{Error, FaultCode, Position},
    ids::{ConfirmationId, PrincipalId, ProgramId, UniversityId},
    programs::model::ProgramStatus,
    reviews,
    time::{Month, Timestamp},
};

/// Decided requests of one participant that are read at the most.
const DECIDED_MAX: i64 = 1000;

/// A row of `confirmation_requests`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = confirmation_requests, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct RequestRow {
    pub id: ConfirmationId,
    pub principal_id: Option<PrincipalId>,
    pub university_id: UniversityId,
    pub program_id: ProgramId,
    pub period_start: Month,
    pub period_end: Month,
    pub status: RequestStatus,
    pub version: i32,
    pub statement: Option<Vec<u8>>,
    pub created_at: Timestamp,
    pub decided_month: Option<Month>,
}

impl RequestRow {
    /// Where this row stands in a list sorted by when the request was made.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.created_at.as_micros(), *self.id.as_uuid())
    }

    /// The row's quoted entity tag.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"c{}\"", self.version)
    }
}

/// A row of `confirmations`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = confirmations)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct ConfirmationRow {
    pub id: ConfirmationId,
    pub principal_id: PrincipalId,
    pub university_id: UniversityId,
    pub program_id: ProgramId,
    pub period_start: Month,
    pub period_end: Month,
    pub outcome: Outcome,
    pub reason: Vec<u8>,
    pub decided_month: Month,
}

/// Stores a request.
///
/// # Errors
/// [`Error::Invalid`] for a program that is not public and for a university that does not exist, [`Error::Conflict`] when
/// nobody acts for that university, when too many requests wait, and when one for these months waits or was confirmed.
pub fn create(conn: &mut Conn, row: &RequestRow, by: PrincipalId) -> Result<(), Error> {
    let conflict = |message: &str| Err(Error::Conflict(message.to_owned()));
    let status: Option<ProgramStatus> =
        programs::table.find(row.program_id).select(programs::status).first(conn).optional()?;
    if !status.is_some_and(ProgramStatus::is_public) {
        return Err(unknown_program());
    }
    if !crate::universities::store::exists(conn, row.university_id)? {
        return Err(Error::field("/university", FaultCode::UnknownReference, "There is no such university."));
    }
    let acting = principal_rows::table
        .filter(principal_rows::role.eq(Role::University))
        .filter(principal_rows::university_id.eq(row.university_id))
        .filter(principal_rows::disabled_at.is_null());
    if !diesel::select(exists(acting)).get_result::<bool>(conn)? {
        return conflict("Nobody answers for this university here.");
    }
    // Two that are made at once must count each other.
    principals::hold(conn, by)?;
    let own = confirmation_requests::table.filter(confirmation_requests::principal_id.eq(by));
    let waiting: i64 = own.count().get_result(conn)?;
    if waiting >= PENDING_MAX {
        return conflict("As many requests wait as can at a time.");
    }
    let same = own
        .filter(confirmation_requests::program_id.eq(row.program_id))
        .filter(confirmation_requests::period_start.le(row.period_end))
        .filter(confirmation_requests::period_end.ge(row.period_start));
    let confirmed = confirmations::table
        .filter(confirmations::principal_id.eq(by))
        .filter(confirmations::program_id.eq(row.program_id))
        .filter(confirmations::outcome.eq(Outcome::Confirmed))
        .filter(confirmations::period_start.le(row.period_end))
        .filter(confirmations::period_end.ge(row.period_start));
    let (waits, known): (bool, bool) = diesel::select((exists(same), exists(confirmed))).get_result(conn)?;
    if waits {
        return conflict("A request about this program and these months waits already.");
    }
    if known {
        return conflict("That you took part in this program in these months is confirmed.");
    }
    diesel::insert_into(confirmation_requests::table).values(row).execute(conn)?;
    Ok(())
}

/// Finds a request, for its participant while it waits, and for the university that is asked.
pub fn find(conn: &mut Conn, id: ConfirmationId, reader: &Caller) -> Result<RequestRow, Error> {
    let row: Option<RequestRow> =
        confirmation_requests::table.find(id).select(RequestRow::as_select()).first(conn).optional()?;
    let may = |row: &RequestRow| match reader.role {
        Role::University => reader.university == Some(row.university_id),
        _ => row.principal_id == Some(reader.id),
    };
    row.filter(may).ok_or(Error::NotFound("confirmation request"))
}

/// The requests to a university, oldest first, from behind `after`.
pub fn of_university(
    conn: &mut Conn,
    university: UniversityId,
    status: Option<RequestStatus>,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<RequestRow>, Error> {
    let mut query = confirmation_requests::table
        .filter(confirmation_requests::university_id.eq(university))
        .select(RequestRow::as_select())
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(confirmation_requests::status.eq(status));
    }
    if let Some(position) = after {
        let made = Timestamp::from_micros(position.number).ok_or(Error::Cursor)?;
        let last = ConfirmationId::from_uuid(position.id);
        query = query
            .filter(confirmation_requests::created_at.ge(made))
            .filter(confirmation_requests::created_at.gt(made).or(confirmation_requests::id.gt(last)));
    }
    Ok(query.order((confirmation_requests::created_at, confirmation_requests::id)).limit(limit).load(conn)?)
}

/// A participant's requests that wait, and what became of others.
pub fn of_participant(conn: &mut Conn, id: PrincipalId) -> QueryResult<(Vec<RequestRow>, Vec<ConfirmationRow>)> {
    let pending = confirmation_requests::table
        .filter(confirmation_requests::principal_id.eq(id))
        .order((confirmation_requests::created_at, confirmation_requests::id))
        .select(RequestRow::as_select())
        .load(conn)?;
    let decided = confirmations::table
        .filter(confirmations::principal_id.eq(id))
        .order((confirmations::decided_month, confirmations::id))
        .limit(DECIDED_MAX)
        .select(ConfirmationRow::as_select())
        .load(conn)?;
    Ok((pending, decided))
}

/// Takes person and statement out of a request that waits, and gives the row as it was. It is held until the commit.
fn close(
    conn: &mut Conn,
    id: ConfirmationId,
    by: &Caller,
    action: RequestAction,
    now: Timestamp,
) -> Result<RequestRow, Error> {
    let counted = confirmation_requests::version.eq(confirmation_requests::version + 1);
    diesel::update(confirmation_requests::table.find(id)).set(counted).execute(conn)?;
    let row = find(conn, id, by)?;
    let to = row.status.after(action).map_err(|refused| Error::Conflict(refused.to_string()))?;
    diesel::update(confirmation_requests::table.find(id)).set(emptied(to, now)).execute(conn)?;
    Ok(row)
}

/// What a request keeps that no longer waits.
#[derive(AsChangeset)]
#[diesel(table_name = confirmation_requests, treat_none_as_null = true)]
struct Emptied {
    status: RequestStatus,
    principal_id: Option<PrincipalId>,
    statement: Option<Vec<u8>>,
    decided_month: Option<Month>,
}

fn emptied(to: RequestStatus, now: Timestamp) -> Emptied {
    Emptied { status: to, principal_id: None, statement: None, decided_month: Some(now.day().month()) }
}

/// A university's decision, with what is random in it.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What is decided.
    pub ruling: ConfirmationRuling,
    /// The id of what the participant keeps; random, and not that of the request.
    pub id: ConfirmationId,
    /// The reason, sealed for that id.
    pub reason: Vec<u8>,
}

/// Decides a request for the university that is asked. A confirmation makes the participant's reviews count as confirmed:
/// those that are there and lack a stronger proof, and those that will be written.
///
/// # Errors
/// [`Error::NotFound`] for a request to another university, [`Error::Conflict`] when it waits no longer.
pub fn decide(
    conn: &mut Conn,
    by: &Caller,
    id: ConfirmationId,
    decision: &Decision,
    audit: &AuditKey,
    now: Timestamp,
) -> Result<RequestRow, Error> {
    let (action, outcome) = decision.ruling.means();
    let asked = close(conn, id, by, action, now)?;
    let participant = asked.principal_id.ok_or_else(|| Error::internal("a request that waits names nobody"))?;
    let month = now.day().month();
    let row = ConfirmationRow {
        id: decision.id,
        principal_id: participant,
        university_id: asked.university_id,
        program_id: asked.program_id,
        period_start: asked.period_start,
        period_end: asked.period_end,
        outcome,
        reason: decision.reason.clone(),
        decided_month: month,
    };
    diesel::insert_into(confirmations::table).values(&row).execute(conn)?;
    if outcome == Outcome::Confirmed {
        let period = (asked.period_start, asked.period_end);
        reviews::store::confirm(conn, participant, asked.program_id, period, now)?;
    }
    let kind = match outcome {
        Outcome::Confirmed => AuditKind::ConfirmationGiven,
        Outcome::Refused => AuditKind::ConfirmationRefused,
    };
    let event = Event { kind, actor: Some(by.id), subject: format!("confirmation_request:{id}") };
    audit::append(conn, audit, &event, now)?;
    find(conn, id, by)
}

/// Takes a request back for its participant, and gives the row as it is now.
///
/// # Errors
/// [`Error::NotFound`] for another's, and for one that waits no longer: it is nobody's any more.
pub fn withdraw(conn: &mut Conn, by: &Caller, id: ConfirmationId, now: Timestamp) -> Result<RequestRow, Error> {
    close(conn, id, by, RequestAction::Withdraw, now)?;
    Ok(confirmation_requests::table.find(id).select(RequestRow::as_select()).first(conn)?)
}

/// Forgets everything of a participant: their requests are taken back, what was decided is deleted.
pub fn forget(conn: &mut Conn, participant: PrincipalId, now: Timestamp) -> QueryResult<()> {
    let own = confirmation_requests::table.filter(confirmation_requests::principal_id.eq(participant));
    let counted = confirmation_requests::version.eq(confirmation_requests::version + 1);
    diesel::update(own).set((emptied(RequestStatus::Withdrawn, now), counted)).execute(conn)?;
    diesel::delete(confirmations::table.filter(confirmations::principal_id.eq(participant))).execute(conn)?;
    Ok(())
}
