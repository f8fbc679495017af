//! The queue: for each kind and status one bounded query, merged in the order of waiting.

use diesel::{
    prelude::*,
    sql_types::{Binary, Bool, Nullable},
};
use uuid::Uuid;

use super::queue::{ClaimFilter, QueueFilter, QueueKind};
use crate::{
    db::{
        Conn, Sql,
        schema::{appeals, moderation_claims, programs, red_flag_reports, review_cases, reviews, triage_entries},
    },
    http::{Error, Position},
    ids::{PrincipalId, ProgramId, QueueItemId},
    time::Timestamp,
};

/// Something that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// What it is.
    pub kind: QueueKind,
    /// Its id.
    pub id: QueueItemId,
    /// The program that it concerns.
    pub program: ProgramId,
    /// Since when it waits.
    pub since: Timestamp,
    /// Whether it is looked at first.
    pub urgent: bool,
    /// Who has claimed it and until when, even if that has passed.
    pub claim: Option<(PrincipalId, Timestamp)>,
    /// Who wrote it, if a person did. Shown to nobody: it is there because nobody rules on what is their own.
    pub author: Option<PrincipalId>,
}

impl Waiting {
    /// Where it stands in the queue. No two things have the same id.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.since.as_micros(), *self.id.as_uuid())
    }
}

/// What is asked of the part of each kind.
struct Asked<'a> {
    filter: &'a QueueFilter,
    by: PrincipalId,
    now: Timestamp,
    after: Option<(Timestamp, Vec<u8>)>,
    only: Option<Vec<u8>>,
    limit: i64,
}

/// Which things of a kind are urgent.
enum Urgent {
    Never,
    Always,
    /// Those of which this holds.
    If(Sql),
}

impl Urgent {
    /// The condition for an urgency that was asked for; `None` when nothing can meet it.
    fn matching(self, wanted: Option<bool>) -> Option<Sql> {
        let all = Sql::default().sql("1 = 1");
        match (self, wanted) {
            (_, None) | (Self::Never, Some(false)) | (Self::Always, Some(true)) => Some(all),
            (Self::Never, Some(true)) | (Self::Always, Some(false)) => None,
            (Self::If(condition), Some(true)) => Some(condition),
            (Self::If(condition), Some(false)) => Some(Sql::default().sql("NOT ").append(condition)),
        }
    }
}

/// A row of any part: id, program, since, whether it is urgent, author, claimant and end of the claim.
type Row = (Vec<u8>, ProgramId, Timestamp, bool, Option<PrincipalId>, Option<PrincipalId>, Option<Timestamp>);

/// The rows of one kind in one status. `waits` is written out and not bound, because only so the planners see that a
/// partial index holds exactly these rows; the status, `since` and the id are the columns of the index.
macro_rules! part {
    (
        $conn:ident, $asked:ident, $kind:expr, $table:ident by $since:ident, of $program:expr, waits $waits:expr,
        author $author:expr, urgent $shown:expr, $urgent:expr
    ) => {{
        let Some(urgent) = $urgent.matching($asked.filter.urgent) else { return Ok(Vec::new()) };
        let claim =
            moderation_claims::subject_kind.eq($kind.subject()).and(moderation_claims::subject_id.eq($table::id));
        let mut query = $table::table
            .left_join(moderation_claims::table.on(claim))
            .filter(Sql::default().sql($waits))
            .filter(urgent)
            .into_boxed();
        match $asked.filter.claim {
            ClaimFilter::Any => {}
            ClaimFilter::Mine => {
                query = query
                    .filter(moderation_claims::moderator_id.eq($asked.by))
                    .filter(moderation_claims::expires_at.gt($asked.now));
            }
            ClaimFilter::Free => {
                let over = moderation_claims::expires_at.le($asked.now).assume_not_null();
                query = query.filter(moderation_claims::expires_at.is_null().or(over));
            }
        }
        if let Some(program) = $asked.filter.program {
            query = query.filter($program.eq(program));
        }
        if let Some(id) = &$asked.only {
            query = query.filter($table::id.eq(id.clone()));
        }
        if let Some((since, id)) = &$asked.after {
            let behind = $table::$since.gt(*since).or($table::id.gt(id.clone()));
            query = query.filter($table::$since.ge(*since)).filter(behind);
        }
        query
            .order(($table::$since, $table::id))
            .limit($asked.limit)
            .select((
                $table::id,
                $program,
                $table::$since,
                $shown,
                $author,
                moderation_claims::moderator_id.nullable(),
                moderation_claims::expires_at.nullable(),
            ))
            .load::<Row>($conn)
    }};
}

/// What of one kind waits: the first of each of its statuses, in order.
fn part(conn: &mut Conn, kind: QueueKind, asked: &Asked<'_>) -> QueryResult<Vec<Row>> {
    let all = |urgent: bool| urgent.into_sql::<Bool>();
    let nobody = || None::<PrincipalId>.into_sql::<Nullable<Binary>>();
    match kind {
        QueueKind::Appeal => part!(
            conn, asked, kind, appeals by created_at, of appeals::program_id, waits "appeals.status = 'pending'",
            author appeals::appellant_id.nullable(), urgent all(false), Urgent::Never
        ),
        QueueKind::Program => part!(
            conn, asked, kind, programs by updated_at, of programs::id, waits "programs.status = 'submitted'",
            author nobody(), urgent all(false), Urgent::Never
        ),
        QueueKind::RedFlagReport => {
            let mut rows = reports(conn, asked, "red_flag_reports.status = 'submitted'")?;
            rows.extend(reports(conn, asked, "red_flag_reports.status = 'in_triage'")?);
            Ok(rows)
        }
        QueueKind::Review => part!(
            conn, asked, kind, reviews by updated_at, of reviews::program_id, waits "reviews.status = 'held'",
            author reviews::participant_id.nullable(), urgent all(false), Urgent::Never
        ),
        QueueKind::ReviewCase => part!(
            conn, asked, kind, review_cases by opened_at,
            of reviews::table
                .filter(reviews::id.eq(review_cases::review_id))
                .select(reviews::program_id)
                .single_value()
                .assume_not_null(),
            waits "review_cases.status = 'open'", author nobody(), urgent all(false), Urgent::Never
        ),
        // An entry is opened by something critical only.
        QueueKind::TriageEntry => part!(
            conn, asked, kind, triage_entries by opened_at, of triage_entries::program_id,
            waits "triage_entries.status = 'open'",
            author nobody(), urgent all(true), Urgent::Always
        ),
    }
}

/// Reports in one status: of two at once, no index would have them in order. Urgent is what cannot wait
/// ([`crate::red_flags::model::queue_key`]).
fn reports(conn: &mut Conn, asked: &Asked<'_>, status: &'static str) -> QueryResult<Vec<Row>> {
    let kind = QueueKind::RedFlagReport;
    part!(
        conn, asked, kind, red_flag_reports by created_at, of red_flag_reports::program_id, waits status,
        author red_flag_reports::reporter_id.nullable(),
        urgent red_flag_reports::queue_key.lt(0), Urgent::If(Sql::default().sql("red_flag_reports.queue_key < 0"))
    )
}

fn waiting(kind: QueueKind, row: Row) -> Result<Waiting, Error> {
    let (id, program, since, urgent, author, holder, until) = row;
    Ok(Waiting {
        kind,
        id: QueueItemId::from_uuid(Uuid::from_slice(&id).map_err(Error::internal)?),
        program,
        since,
        urgent,
        claim: holder.zip(until),
        author,
    })
}

/// What waits, that first which has waited longest, from behind `after`.
pub fn page(
    conn: &mut Conn,
    filter: &QueueFilter,
    by: PrincipalId,
    now: Timestamp,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Waiting>, Error> {
    let after = after.map(|last| {
        let since = Timestamp::from_micros(last.number).ok_or(Error::Cursor)?;
        Ok::<_, Error>((since, last.id.as_bytes().to_vec()))
    });
    let asked = Asked { filter, by, now, after: after.transpose()?, only: None, limit };
    let mut all = Vec::new();
    for kind in QueueKind::ALL.iter().filter(|kind| filter.kind.is_none_or(|only| only == **kind)) {
        for row in part(conn, *kind, &asked)? {
            all.push(waiting(*kind, row)?);
        }
    }
    all.sort_by_key(|item| (item.since, item.id));
    all.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(all)
}

/// One thing, if it waits.
pub fn find(
    conn: &mut Conn,
    kind: QueueKind,
    id: QueueItemId,
    by: PrincipalId,
    now: Timestamp,
) -> Result<Waiting, Error> {
    let filter = QueueFilter { kind: Some(kind), program: None, claim: ClaimFilter::Any, urgent: None };
    let only = Some(id.as_uuid().as_bytes().to_vec());
    let asked = Asked { filter: &filter, by, now, after: None, only, limit: 1 };
    let row = part(conn, kind, &asked)?.pop().ok_or(Error::NotFound("item in the queue"))?;
    waiting(kind, row)
}
