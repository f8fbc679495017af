//! Queries on cohorts. Codes are redeemed in `participation::store`.

use diesel::prelude::*;

use super::model::Counts;
use crate::{
    auth::secrets,
    db::{
        Conn, Db,
        schema::{cohorts, participation_codes, programs},
    },
    http::{Error, FaultCode},
    ids::{CohortId, ProgramId, ProviderId, UniversityId},
    on_each_backend,
    participation::{
        self,
        model::{CodeStatus, Cohort, Voucher},
    },
    programs::model::ProgramStatus,
    time::{Day, Month, Timestamp},
};

/// Rows of one INSERT: stays below the parameters that either engine takes.
const BATCH: usize = 1000;
/// Cohorts counted in one transaction by [`count_anew`].
const ROUND: i64 = 200;

/// A row of `cohorts`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = cohorts)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct CohortRow {
    pub id: CohortId,
    pub program_id: ProgramId,
    pub period_start: Month,
    pub period_end: Month,
    pub created_at: Timestamp,
    pub voucher: Voucher,
    pub university_id: Option<UniversityId>,
    pub provider_id: Option<ProviderId>,
    pub size: i32,
    pub issued: i32,
    pub revoked: i32,
    pub redeemed: i32,
    pub counted_on: Day,
    pub expires_at: Timestamp,
}

impl CohortRow {
    /// What became of its codes.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        Counts { issued: self.issued, revoked: self.revoked, redeemed: self.redeemed }
    }
}

/// Who vouches for a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A university.
    University(UniversityId),
    /// The program's provider.
    Provider(ProviderId),
    /// Whoever runs this service.
    Service,
}

impl Party {
    /// In which role.
    #[must_use]
    pub const fn voucher(self) -> Voucher {
        match self {
            Self::University(_) => Voucher::University,
            Self::Provider(_) => Voucher::Provider,
            Self::Service => Voucher::Service,
        }
    }

    const fn university(self) -> Option<UniversityId> {
        if let Self::University(id) = self { Some(id) } else { None }
    }

    const fn provider(self) -> Option<ProviderId> {
        if let Self::Provider(id) = self { Some(id) } else { None }
    }

    fn owns(self, row: &CohortRow) -> bool {
        (self.voucher(), self.university(), self.provider()) == (row.voucher, row.university_id, row.provider_id)
    }
}

/// A cohort that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewCohort<'a> {
    /// Its id.
    pub id: CohortId,
    /// Of which program and when.
    pub cohort: Cohort,
    /// Who vouches.
    pub party: Party,
    /// How many took part.
    pub size: usize,
    /// Its codes, random.
    pub codes: &'a [String],
    /// When they expire.
    pub expires_at: Timestamp,
}

/// Makes a cohort with its codes.
pub fn make(conn: &mut Conn, new: &NewCohort<'_>, now: Timestamp) -> QueryResult<()> {
    let issued = i32::try_from(new.codes.len()).unwrap_or(i32::MAX);
    diesel::insert_into(cohorts::table)
        .values((
            cohorts::id.eq(new.id),
            cohorts::program_id.eq(new.cohort.program),
            cohorts::period_start.eq(new.cohort.period_start),
            cohorts::period_end.eq(new.cohort.period_end),
            cohorts::created_at.eq(now),
            cohorts::voucher.eq(new.party.voucher()),
            cohorts::university_id.eq(new.party.university()),
            cohorts::provider_id.eq(new.party.provider()),
            cohorts::size.eq(i32::try_from(new.size).unwrap_or(i32::MAX)),
            cohorts::issued.eq(issued),
            cohorts::counted_on.eq(now.day()),
            cohorts::expires_at.eq(new.expires_at),
        ))
        .execute(conn)?;
    add_codes(conn, new.id, new.codes, new.expires_at)?;
    participation::store::count(conn, new.cohort.program, issued)
}

/// Adds codes by hash: the rows do not keep the order in which the codes are handed out.
fn add_codes(conn: &mut Conn, cohort: CohortId, codes: &[String], expires_at: Timestamp) -> QueryResult<()> {
    let mut hashes: Vec<_> = codes.iter().map(|code| secrets::hash(code).to_vec()).collect();
    hashes.sort_unstable();
    for batch in hashes.chunks(BATCH) {
        let rows: Vec<_> = batch
            .iter()
            .map(|hash| {
                (
                    participation_codes::code_hash.eq(hash),
                    participation_codes::cohort_id.eq(cohort),
                    participation_codes::status.eq(CodeStatus::Open),
                    participation_codes::expires_at.eq(expires_at),
                )
            })
            .collect();
        on_each_backend!(conn, |c| diesel::insert_into(participation_codes::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// Refuses a program that `party` cannot vouch for: a university for one that is not public, a provider for one that is
/// not its own.
pub fn permit_program(conn: &mut Conn, party: Party, program: ProgramId) -> Result<(), Error> {
    let found: Option<(ProgramStatus, ProviderId)> =
        programs::table.find(program).select((programs::status, programs::provider_id)).first(conn).optional()?;
    let may = found.is_some_and(|(status, provider)| match party {
        Party::University(_) => status.is_public(),
        Party::Provider(own) => provider == own,
        Party::Service => true,
    });
    if may { Ok(()) } else { Err(unknown_program()) }
}

/// The fault of a body that names a program which the caller cannot see.
#[must_use]
pub fn unknown_program() -> Error {
    Error::field("/program", FaultCode::UnknownReference, "There is no such program.")
}

/// Finds the cohort with this id that `party` vouches for; any cohort, if there is no `party`.
pub fn find(conn: &mut Conn, id: CohortId, party: Option<Party>) -> Result<CohortRow, Error> {
    let row = cohorts::table.find(id).select(CohortRow::as_select()).first(conn).optional()?;
    row.filter(|row| party.is_none_or(|party| party.owns(row))).ok_or(Error::NotFound("cohort"))
}

/// The cohorts of one, or all, newest first, from behind `after`.
pub fn list(conn: &mut Conn, party: Option<Party>, after: Option<CohortId>, limit: i64) -> QueryResult<Vec<CohortRow>> {
    let mut query = cohorts::table.select(CohortRow::as_select()).into_boxed();
    match party {
        None => {}
        Some(Party::University(id)) => query = query.filter(cohorts::university_id.eq(id)),
        Some(Party::Provider(id)) => query = query.filter(cohorts::provider_id.eq(id)),
        Some(Party::Service) => query = query.filter(cohorts::voucher.eq(Voucher::Service)),
    }
    if let Some(after) = after {
        query = query.filter(cohorts::id.lt(after));
    }
    query.order(cohorts::id.desc()).limit(limit).load(conn)
}

/// Takes as many open codes back as there are `codes`, and adds these.
///
/// # Errors
/// [`Error::NotFound`] for a cohort of another, [`Error::Conflict`] when fewer codes are open, or all have expired.
pub fn reissue(
    conn: &mut Conn,
    id: CohortId,
    party: Party,
    codes: &[String],
    now: Timestamp,
) -> Result<CohortRow, Error> {
    find(conn, id, Some(party))?;
    let more = i32::try_from(codes.len()).unwrap_or(i32::MAX);
    // The row is held from here on: two of these do not take the same codes.
    let counted = (cohorts::issued.eq(cohorts::issued + more), cohorts::revoked.eq(cohorts::revoked + more));
    diesel::update(cohorts::table.find(id)).set(counted).execute(conn)?;
    let row = find(conn, id, Some(party))?;
    if row.expires_at <= now {
        return Err(Error::Conflict("The codes of this cohort have expired; make another one.".to_owned()));
    }
    let open = participation_codes::table
        .filter(participation_codes::cohort_id.eq(id))
        .filter(participation_codes::status.eq(CodeStatus::Open));
    let hashes: Vec<Vec<u8>> = open
        .order(participation_codes::code_hash)
        .limit(more.into())
        .select(participation_codes::code_hash)
        .load(conn)?;
    let taken = diesel::update(open.filter(participation_codes::code_hash.eq_any(&hashes)))
        .set(participation_codes::status.eq(CodeStatus::Revoked))
        .execute(conn)?;
    // How many there are is not told: with it, the moment of a redemption could be found.
    if taken != codes.len() {
        return Err(Error::Conflict("Not so many codes of this cohort are open.".to_owned()));
    }
    add_codes(conn, id, codes, row.expires_at)?;
    Ok(row)
}

/// Accounts for all open codes having been taken back, `fewer` of them: what is left was redeemed.
pub fn closed(conn: &mut Conn, id: CohortId, fewer: i32) -> QueryResult<()> {
    let counted = (
        cohorts::revoked.eq(cohorts::revoked + fewer),
        cohorts::redeemed.eq(cohorts::issued - cohorts::revoked - fewer),
    );
    diesel::update(cohorts::table.find(id)).set(counted).execute(conn).map(drop)
}

/// Counts the redeemed codes of the cohorts that were last counted on an earlier day, in batches, so that no write waits
/// long. Cohorts whose codes have expired are counted a last time.
pub async fn count_anew(db: &Db, now: Timestamp) -> Result<(), Error> {
    let today = now.day();
    loop {
        let stale = db.read_latest(move |conn| Ok(stale(conn, today, ROUND)?)).await?;
        if stale.is_empty() {
            return Ok(());
        }
        db.write(move |conn| {
            for (id, expires_at) in &stale {
                let day = if *expires_at <= now { Day::NEVER } else { today };
                let redeemed: i64 = participation_codes::table
                    .filter(participation_codes::cohort_id.eq(id))
                    .filter(participation_codes::status.eq(CodeStatus::Redeemed))
                    .count()
                    .get_result(conn)?;
                let redeemed = i32::try_from(redeemed).unwrap_or(i32::MAX);
                let counted = (cohorts::redeemed.eq(redeemed), cohorts::counted_on.eq(day));
                diesel::update(cohorts::table.find(id)).set(counted).execute(conn)?;
            }
            Ok(())
        })
        .await?;
    }
}

/// Cohorts that were last counted before `today`, with when their codes expire.
pub fn stale(conn: &mut Conn, today: Day, limit: i64) -> QueryResult<Vec<(CohortId, Timestamp)>> {
    cohorts::table
        .filter(cohorts::counted_on.lt(today))
        .order((cohorts::counted_on, cohorts::id))
        .limit(limit)
        .select((cohorts::id, cohorts::expires_at))
        .load(conn)
}
