//! Queries for one's own data, and its erasure.

use diesel::{dsl::exists, prelude::*};

use super::model::ReviewsAfter;
use crate::{
    appeals::{self, store::AppealRow},
    audit::{self, AuditKey, AuditKind, Event, store::EventRow},
    auth::{
        Holder, REVOKED,
        principals::{self as principal_store, Principal},
    },
    confirmations::{
        self,
        store::{ConfirmationRow, RequestRow},
    },
    db::{
        Conn,
        schema::{
            cohorts, outside_identities, participant_addresses, participations, principals, red_flag_reports,
            refresh_tokens, review_revisions, reviews, sessions, sign_in_codes,
        },
    },
    flags::store::{self as flag_store, OwnFlag},
    http::{Error, idempotency_store},
    ids::{CohortId, DecisionId, PrincipalId, ProgramId, ReviewId, SessionId, UniversityId},
    moderation::{self, DecisionBody, SubjectKind},
    notices::{address_store, model::Recipient},
    red_flags::{
        answer_store::{self, AnswerRow},
        measure_store,
        measures::ReporterMeasure,
        store::{self as report_store, ReportRow},
    },
    replies::{
        erase_store,
        model::ReplyTarget,
        store::{self as reply_store, Former},
    },
    retention,
    reviews::{
        model::ReviewStatus,
        response_store::{self, Told},
        store::{self as review_store, ReviewRow},
    },
    sessions::store::{SessionRow, end_all},
    time::{Month, Timestamp},
};

/// Most decisions on one review or report that an export shows.
const HISTORY: i64 = 500;

/// What a participation refers to.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = cohorts)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct CohortRow {
    pub id: CohortId,
    pub program_id: ProgramId,
    pub period_start: Month,
    pub period_end: Month,
}

/// When the principal was made, whether it has an address at a university, and its participations, at most `limit`.
pub fn overview(conn: &mut Conn, id: PrincipalId, limit: i64) -> Result<(Timestamp, bool, Vec<CohortRow>), Error> {
    let at_university = participant_addresses::table
        .filter(participant_addresses::principal_id.eq(id))
        .filter(participant_addresses::university_id.is_not_null());
    let (created_at, university) =
        principals::table.find(id).select((principals::created_at, exists(at_university))).first(conn)?;
    Ok((created_at, university, cohorts_of(conn, id, limit)?))
}

fn cohorts_of(conn: &mut Conn, id: PrincipalId, limit: i64) -> QueryResult<Vec<CohortRow>> {
    participations::table
        .inner_join(cohorts::table)
        .filter(participations::principal_id.eq(id))
        .order(participations::cohort_id)
        .limit(limit)
        .select(CohortRow::as_select())
        .load(conn)
}

/// The sessions of a principal that hold at `now`, newest first, from behind `after` (its time of opening and its id).
pub fn open_sessions(
    conn: &mut Conn,
    id: PrincipalId,
    after: Option<(Timestamp, SessionId)>,
    limit: i64,
    now: Timestamp,
) -> QueryResult<Vec<SessionRow>> {
    let mut query = sessions::table
        .filter(sessions::principal_id.eq(id))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .limit(limit)
        .select(SessionRow::as_select())
        .into_boxed();
    if let Some((at, last)) = after {
        query = query.filter(sessions::created_at.le(at)).filter(sessions::created_at.lt(at).or(sessions::id.lt(last)));
    }
    query.load(conn)
}

/// Ends one session of this principal. [`Error::NotFound`] when it has none of this id that still holds.
pub fn end_session(
    conn: &mut Conn,
    principal: PrincipalId,
    id: SessionId,
    key: &AuditKey,
    now: Timestamp,
) -> Result<(), Error> {
    let open = sessions::table
        .find(id)
        .filter(sessions::principal_id.eq(principal))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now));
    if diesel::update(open).set(sessions::ended_at.eq(now)).execute(conn)? == 0 {
        return Err(Error::NotFound("session"));
    }
    let event = Event { kind: AuditKind::SessionEnded, actor: Some(principal), subject: format!("session:{id}") };
    audit::append(conn, key, &event, now)
}

/// Ends every session of this principal; there may be none.
pub fn end_sessions(conn: &mut Conn, principal: PrincipalId, key: &AuditKey, now: Timestamp) -> Result<(), Error> {
    end_all(conn, principal, now)?;
    let subject = format!("principal:{principal}");
    audit::append(conn, key, &Event { kind: AuditKind::SessionEnded, actor: Some(principal), subject }, now)
}

/// A former content of a review: its number, its JSON, and when it was replaced.
pub type Revision = (i32, String, Timestamp);

/// A report with its history, what its provider was asked, and the measures that it led to.
pub type WrittenReport = (ReportRow, Vec<DecisionBody>, Option<AnswerRow>, Vec<ReporterMeasure>);

/// A review with all that it ever said.
#[derive(Debug)]
pub struct WrittenReview {
    /// The review, with what others add to it.
    pub told: Told,
    /// Its former contents.
    pub former: Vec<Revision>,
    /// What the author answered to the reply before the last edit of the answer, oldest first.
    pub answers: Vec<Former>,
    /// What was decided about it.
    pub history: Vec<DecisionBody>,
}

/// Everything that is stored about a participant.
#[derive(Debug)]
pub struct Stored {
    /// The principal.
    pub principal: Principal,
    /// The sealed address and the university whose domain it has.
    pub address: Option<(Vec<u8>, Option<UniversityId>)>,
    /// Whether there is an outside identity.
    pub outside_identity: bool,
    /// The sealed address for notices.
    pub notice_address: Option<Vec<u8>>,
    /// The cohorts that codes were shown of.
    pub participations: Vec<CohortRow>,
    /// All sessions that are still stored, newest first.
    pub sessions: Vec<SessionRow>,
    /// Reviews, oldest first, each with its former contents and its history.
    pub reviews: Vec<WrittenReview>,
    /// The reviews that were found helpful.
    pub votes: Vec<ReviewId>,
    /// Reports with their history, oldest first.
    pub reports: Vec<WrittenReport>,
    /// Requests for confirmation that wait, and what was decided about others.
    pub confirmations: (Vec<RequestRow>, Vec<ConfirmationRow>),
    /// Flags on reviews.
    pub flags: Vec<OwnFlag>,
    /// Appeals with their history, oldest first.
    pub appeals: Vec<(AppealRow, Vec<DecisionBody>)>,
    /// Entries of the security log.
    pub events: Vec<EventRow>,
}

/// Reads everything that is stored about a participant.
pub fn stored(conn: &mut Conn, id: PrincipalId) -> Result<Stored, Error> {
    let principal = principal_store::find(conn, id)?.ok_or(Error::NotFound("principal"))?;
    let address = participant_addresses::table
        .find(id)
        .select((participant_addresses::sealed, participant_addresses::university_id))
        .first(conn)
        .optional()?;
    let outside = outside_identities::table.filter(outside_identities::principal_id.eq(id));
    let outside_identity = diesel::select(exists(outside)).get_result(conn)?;
    let session_rows = sessions::table
        .filter(sessions::principal_id.eq(id))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .select(SessionRow::as_select())
        .load(conn)?;
    let review_rows: Vec<ReviewRow> = reviews::table
        .filter(reviews::participant_id.eq(id))
        .order((reviews::created_at, reviews::id))
        .select(ReviewRow::as_select())
        .load(conn)?;
    let mut written = Vec::with_capacity(review_rows.len());
    for row in review_rows {
        let former = review_revisions::table
            .filter(review_revisions::review_id.eq(row.id))
            .order(review_revisions::revision)
            .select((review_revisions::revision, review_revisions::content, review_revisions::created_at))
            .load(conn)?;
        let history = moderation::store::history(conn, SubjectKind::Review, row.id.as_uuid(), HISTORY)?;
        let mut answers = reply_store::former(conn, row.id)?;
        answers.retain(|former| former.target == ReplyTarget::Answer);
        written.push(WrittenReview {
            told: Told { responses: response_store::of(conn, row.id)?, row },
            former,
            answers,
            history,
        });
    }
    let report_rows: Vec<ReportRow> = red_flag_reports::table
        .filter(red_flag_reports::reporter_id.eq(id))
        .order((red_flag_reports::created_at, red_flag_reports::id))
        .select(ReportRow::as_select())
        .load(conn)?;
    let mut reported = Vec::with_capacity(report_rows.len());
    for row in report_rows {
        let history = moderation::store::history(conn, SubjectKind::RedFlagReport, row.id.as_uuid(), HISTORY)?;
        let answer = answer_store::of_report(conn, row.id)?;
        let measures = measure_store::of_report(conn, row.id)?;
        reported.push((row, history, answer, measures));
    }
    let mut appealed = Vec::new();
    for row in appeals::list_store::of_appellant(conn, id)? {
        let history = appeals::store::history(conn, row.id)?;
        appealed.push((row, history));
    }
    Ok(Stored {
        principal,
        address,
        outside_identity,
        notice_address: address_store::find(conn, &Recipient::Participant(id))?.map(|row| row.sealed),
        participations: cohorts_of(conn, id, i64::MAX)?,
        sessions: session_rows,
        reviews: written,
        votes: response_store::votes_of(conn, id)?,
        reports: reported,
        confirmations: confirmations::store::of_participant(conn, id)?,
        flags: flag_store::of_participant(conn, id)?,
        appeals: appealed,
        events: audit::store::of_actor(conn, id)?,
    })
}

/// Erases who a participant is, and what they wrote in reviews as far as `reviews` says; ends their sessions and takes
/// their rights. `decision` makes the ids of the decisions that withdraw reviews.
///
/// What an address at a university proved, or a university confirmed, is taken back with them; what a code proved stays, because a code is
/// redeemed once.
///
/// Reviews and reports refer to the principal's row, which therefore stays and from which nothing leads to a person.
pub fn erase(
    conn: &mut Conn,
    Holder { caller: participant, token }: &Holder,
    reviews: ReviewsAfter,
    decision: &impl Fn(ReviewId) -> DecisionId,
    key: &AuditKey,
    now: Timestamp,
) -> Result<(), Error> {
    let id = participant.id;
    // First, so that of two erasures at once the second finds nothing left to do.
    let active = principals::table.find(id).filter(principals::disabled_at.is_null());
    if diesel::update(active).set(principals::disabled_at.eq(now)).execute(conn)? == 0 {
        return Err(REVOKED);
    }
    // An outside identity provider's token names its person until it expires: it may not make them anew.
    principal_store::revoke_token(conn, token.jti, token.expires_at)?;
    let written: Vec<(ReviewId, ReviewStatus)> = reviews::table
        .filter(reviews::participant_id.eq(id))
        // One order for everybody, so that two erasures never wait for each other's programs.
        .order((reviews::program_id, reviews::id))
        .select((reviews::id, reviews::status))
        .load(conn)?;
    for (review, status) in written {
        if reviews == ReviewsAfter::Withdraw && status.is_withdrawable() {
            review_store::withdraw(conn, participant, review, decision(review), now)?;
        }
        if reviews == ReviewsAfter::Withdraw || status == ReviewStatus::Withdrawn {
            retention::store::empty_review(conn, review)?;
            erase_store::erase_answer(conn, review)?;
        }
        review_store::forget_proof(conn, review, now)?;
    }
    response_store::erase_votes(conn, id)?;
    address_store::end(conn, &Recipient::Participant(id))?;
    flag_store::erase(conn, id)?;
    measure_store::forget(conn, id)?;
    report_store::forget_addresses(conn, id, now)?;
    let addresses = participant_addresses::table.filter(participant_addresses::principal_id.eq(id));
    let hashes: Vec<Vec<u8>> = addresses.select(participant_addresses::address_hash).load(conn)?;
    diesel::delete(sign_in_codes::table.filter(sign_in_codes::address_hash.eq_any(hashes))).execute(conn)?;
    diesel::delete(addresses).execute(conn)?;
    diesel::delete(outside_identities::table.filter(outside_identities::principal_id.eq(id))).execute(conn)?;
    diesel::delete(participations::table.filter(participations::principal_id.eq(id))).execute(conn)?;
    confirmations::store::forget(conn, id, now)?;
    appeals::store::erase_words(conn, id)?;
    idempotency_store::forget(conn, id)?;
    let own_sessions = sessions::table.filter(sessions::principal_id.eq(id)).select(sessions::id);
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(own_sessions))).execute(conn)?;
    end_all(conn, id, now)?;
    let event = Event { kind: AuditKind::IdentityErased, actor: Some(id), subject: format!("principal:{id}") };
    audit::append(conn, key, &event, now)
}
