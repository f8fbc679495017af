//! Queries on `cohorts`, `participation_codes` and `participations`.

use diesel::{dsl::exists, prelude::*};

use super::model::{AGAIN, CodeStatus, Cohort, Evidence, Vouched, Voucher};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::{
        Role,
        principals::{self, Principal},
        secrets,
    },
    cohorts::store::{self as cohort_store, NewCohort, Party},
    confirmations::model::Outcome,
    db::{
        Conn,
        schema::{cohorts, confirmations, participant_addresses, participation_codes, participations, programs},
    },
    http::Error,
    ids::{CohortId, PrincipalId, ProgramId, SessionId},
    on_each_backend,
    sessions::{self, Door, Grant},
    time::{Month, Timestamp},
};

/// Makes a cohort with these codes, which are random and hold until `expires_at`. Whoever runs the service vouches for it.
pub fn issue(
    conn: &mut Conn,
    id: CohortId,
    cohort: &Cohort,
    codes: &[String],
    expires_at: Timestamp,
    now: Timestamp,
) -> QueryResult<()> {
    let new = NewCohort { id, cohort: *cohort, party: Party::Service, size: codes.len(), codes, expires_at };
    cohort_store::make(conn, &new, now)
}

/// Counts codes issued (or, negative, taken back) into the program's row, whose representation shows them.
pub(crate) fn count(conn: &mut Conn, program: ProgramId, more: i32) -> QueryResult<()> {
    let counted = (
        programs::codes_issued.eq(programs::codes_issued + more),
        // The entity tag follows from the version.
        programs::version.eq(programs::version + 1),
    );
    diesel::update(programs::table.find(program)).set(counted).execute(conn).map(drop)
}

/// Participation codes of a program, issued and not taken back: what `programs.codes_issued` has to say.
pub fn codes_issued(conn: &mut Conn, program: ProgramId) -> QueryResult<i32> {
    let standing: i64 = participation_codes::table
        .inner_join(cohorts::table)
        .filter(cohorts::program_id.eq(program))
        .filter(participation_codes::status.ne(CodeStatus::Revoked))
        .count()
        .get_result(conn)?;
    Ok(i32::try_from(standing).unwrap_or(i32::MAX))
}

/// Who redeems a code.
#[derive(Debug, Clone, Copy)]
pub enum Redeemer {
    /// A participant who is signed in.
    Known(PrincipalId),
    /// Nobody yet: the participant is made with this id.
    New(PrincipalId),
}

/// A code that someone sends, and what is made of it if it holds.
pub struct Attempt {
    /// The code.
    pub code: String,
    /// For whom.
    pub redeemer: Redeemer,
    /// The session.
    pub session: SessionId,
    /// Its refresh token, computed from the code ([`RedemptionKey`](super::model::RedemptionKey)).
    pub refresh_token: String,
}

/// What became of a code that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// It was redeemed, by this attempt or a moment ago by the same person.
    Granted(Grant, Cohort),
    /// It was redeemed before, was taken back, or has expired.
    Gone,
    /// There is no such code.
    Unknown,
}

/// Takes the codes of a cohort back that nobody has redeemed, and says how many; `None` when there is no such cohort.
pub fn revoke(conn: &mut Conn, cohort: CohortId) -> QueryResult<Option<usize>> {
    let program: Option<ProgramId> = cohorts::table.find(cohort).select(cohorts::program_id).first(conn).optional()?;
    let Some(program) = program else { return Ok(None) };
    let open = participation_codes::table
        .filter(participation_codes::cohort_id.eq(cohort))
        .filter(participation_codes::status.eq(CodeStatus::Open));
    let revoked = diesel::update(open).set(participation_codes::status.eq(CodeStatus::Revoked)).execute(conn)?;
    if revoked > 0 {
        let fewer = i32::try_from(revoked).unwrap_or(i32::MAX);
        count(conn, program, -fewer)?;
        cohort_store::closed(conn, cohort, fewer)?;
    }
    Ok(Some(revoked))
}

/// What a participant is told who has a code of the cohort already.
const REDEEMED_ALREADY: &str = "You have redeemed a code for this program and period already.";

/// Redeems a code: of many at once, one redeems it, and the others get the same session while it is new ([`AGAIN`]).
///
/// # Errors
/// [`Error::Conflict`] when the participant has shown a code of this cohort already; the code stays open.
pub fn redeem(conn: &mut Conn, attempt: &Attempt, audit: &AuditKey, now: Timestamp) -> Result<Redeemed, Error> {
    let hash = secrets::hash(&attempt.code).to_vec();
    let row = participation_codes::table.find(&hash);
    let open =
        row.filter(participation_codes::status.eq(CodeStatus::Open)).filter(participation_codes::expires_at.gt(now));
    let held = diesel::update(open).set(participation_codes::status.eq(CodeStatus::Redeemed)).execute(conn)? == 1;
    let found: Option<(CohortId, ProgramId, Month, Month, Voucher)> = participation_codes::table
        .inner_join(cohorts::table)
        .filter(participation_codes::code_hash.eq(&hash))
        .select((cohorts::id, cohorts::program_id, cohorts::period_start, cohorts::period_end, cohorts::voucher))
        .first(conn)
        .optional()?;
    let event = |kind, subject: &str| Event { kind, actor: None, subject: subject.to_owned() };
    if let Some((cohort, program, period_start, period_end, voucher)) = found.filter(|_| !held) {
        if let Some(grant) = again(conn, attempt, voucher, now)? {
            return Ok(Redeemed::Granted(grant, Cohort { program, period_start, period_end }));
        }
        // The same answer as for an open code: whoever took part, and knows other codes of the cohort, does not learn
        // which of them have been used.
        if let Redeemer::Known(id) = attempt.redeemer
            && diesel::select(exists(participations::table.find((id, cohort)))).get_result(conn)?
        {
            return Err(Error::Conflict(REDEEMED_ALREADY.to_owned()));
        }
    }
    let Some((cohort, program, period_start, period_end, _)) = found.filter(|_| held) else {
        let door = format!("door:{}", Door::ParticipationCode);
        audit::append(conn, audit, &event(AuditKind::SignInFailed, &door), now)?;
        return Ok(if found.is_some() { Redeemed::Gone } else { Redeemed::Unknown });
    };
    let participant = match attempt.redeemer {
        Redeemer::Known(id) => id,
        Redeemer::New(id) => {
            principals::insert(conn, &Principal::new(id, Role::Participant, now))?;
            id
        }
    };
    let participation = (participations::principal_id.eq(participant), participations::cohort_id.eq(cohort));
    let added = on_each_backend!(conn, |c| diesel::insert_into(participations::table)
        .values(participation)
        .on_conflict_do_nothing()
        .execute(c))?;
    if added == 0 {
        return Err(Error::Conflict(REDEEMED_ALREADY.to_owned()));
    }
    let grant = sessions::store::open(
        conn,
        attempt.session,
        participant,
        Door::ParticipationCode,
        &attempt.refresh_token,
        now,
    )?;
    // Neither the code, nor its cohort, nor the participant: the row has a time.
    audit::append(conn, audit, &event(AuditKind::CodeRedeemed, "participation_code"), now)?;
    Ok(Redeemed::Granted(grant, Cohort { program, period_start, period_end }))
}

/// The session that this code has just opened, for whom it was opened: the participant whose token comes with the code,
/// or, without a token, one who was made by it. A participant who was there before has more to lose than a code proves.
/// And without a token only where this service gave the code out: a university or a provider knows its codes, and could
/// else enter the account that one of them has just made.
fn again(conn: &mut Conn, attempt: &Attempt, voucher: Voucher, now: Timestamp) -> Result<Option<Grant>, Error> {
    let Some((session, _)) = sessions::store::holding(conn, &attempt.refresh_token, now)? else { return Ok(None) };
    let own = match attempt.redeemer {
        Redeemer::Known(id) => id == session.principal_id,
        Redeemer::New(_) if voucher != Voucher::Service => false,
        Redeemer::New(_) => {
            let made = principals::find(conn, session.principal_id)?.map(|principal| principal.created_at);
            made == Some(session.created_at)
        }
    };
    let new = now < session.created_at.plus_seconds(AGAIN);
    let refresh_token = attempt.refresh_token.clone();
    Ok((own && new).then_some(Grant { principal: session.principal_id, session: session.id, refresh_token }))
}

/// What is known of a participant who writes about these months at a program. One statement on indexes.
pub fn evidence(
    conn: &mut Conn,
    participant: PrincipalId,
    program: ProgramId,
    (first, last): (Month, Month),
) -> QueryResult<Evidence> {
    let codes = || {
        participations::table
            .inner_join(cohorts::table)
            .filter(participations::principal_id.eq(participant))
            .filter(cohorts::program_id.eq(program))
            .filter(cohorts::period_start.le(last))
            .filter(cohorts::period_end.ge(first))
            // By the word, the strongest first: university, service, provider.
            .order((cohorts::voucher.desc(), cohorts::created_at, cohorts::id))
    };
    let confirmed = confirmations::table
        .filter(confirmations::principal_id.eq(participant))
        .filter(confirmations::program_id.eq(program))
        .filter(confirmations::outcome.eq(Outcome::Confirmed))
        .filter(confirmations::period_start.le(last))
        .filter(confirmations::period_end.ge(first))
        .order((confirmations::decided_month, confirmations::id));
    let address = participant_addresses::table
        .filter(participant_addresses::principal_id.eq(participant))
        .filter(participant_addresses::university_id.is_not_null());
    let found: (Option<Voucher>, Option<Timestamp>, Option<Month>, bool) = diesel::select((
        codes().select(cohorts::voucher).single_value(),
        codes().select(cohorts::created_at).single_value(),
        confirmed.select(confirmations::decided_month).single_value(),
        exists(address),
    ))
    .get_result(conn)?;
    let (by, made, confirmed, at_university) = found;
    let code = by.zip(made).map(|(by, made)| Vouched { by, month: made.day().month() });
    Ok(Evidence { code, confirmed, at_university })
}
