//! The outbox: queries on `notices`.

use diesel::{dsl::exists, prelude::*};
use uuid::Uuid;

use super::model::{About, Decided, NoticeKind, Recipient, RecipientKind, What, pause};
use crate::{
    auth::Role,
    db::{
        Conn, Sql,
        schema::{
            appeals, notice_addresses, notices, programs, red_flag_reports, report_answers, review_replies, reviews,
        },
    },
    ids::{NoticeId, PrincipalId, ProviderId},
    moderation::{Party, SubjectKind},
    red_flags::model::ReportAction,
    time::Timestamp,
};

/// A row of `notices`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = notices)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct NoticeRow {
    pub id: NoticeId,
    pub recipient_id: Vec<u8>,
    pub recipient_kind: RecipientKind,
    pub kind: NoticeKind,
    pub subject_kind: SubjectKind,
    pub subject_id: Vec<u8>,
    pub created_at: Timestamp,
    pub attempts: i32,
    pub next_at: Timestamp,
    pub sent_at: Timestamp,
}

impl NoticeRow {
    /// What the letter is made of.
    #[must_use]
    pub fn what(&self) -> What {
        let id = Uuid::from_slice(&self.subject_id).unwrap_or_default();
        let owner = Uuid::from_slice(&self.recipient_id).unwrap_or_default();
        What { to: self.recipient_kind, owner, kind: self.kind, about: About::new(self.subject_kind, &id) }
    }
}

/// Writes a notice for somebody who has confirmed an address; for everybody else there is none. In the transaction of
/// what it tells of.
pub fn enqueue(
    conn: &mut Conn,
    id: NoticeId,
    to: Recipient,
    kind: NoticeKind,
    about: About,
    now: Timestamp,
) -> QueryResult<()> {
    let confirmed = notice_addresses::table.find(to.bytes()).filter(notice_addresses::confirmed.eq(1));
    if !diesel::select(exists(confirmed)).get_result(conn)? {
        return Ok(());
    }
    let row = NoticeRow {
        id,
        recipient_id: to.bytes(),
        recipient_kind: to.kind(),
        kind,
        subject_kind: about.kind,
        subject_id: about.id.as_bytes().to_vec(),
        created_at: now,
        attempts: 0,
        next_at: now,
        sent_at: Timestamp::EPOCH,
    };
    diesel::insert_into(notices::table).values(&row).execute(conn).map(drop)
}

/// Writes the notices of a decision: for those whose thing it is about, unless they took it themselves.
pub fn of_decision(conn: &mut Conn, kind: SubjectKind, subject: &Uuid, act: &Decided<'_>) -> QueryResult<()> {
    // Whoever made the thing was there.
    if act.from.is_empty() {
        return Ok(());
    }
    let about = About::new(kind, subject);
    let id = NoticeId::from_uuid(*act.id.as_uuid());
    match kind {
        SubjectKind::Review | SubjectKind::ReviewAnswer => {
            let author =
                reviews::table.find(subject.as_bytes().as_slice()).select(reviews::participant_id).first(conn)?;
            to_person(conn, id, author, NoticeKind::Decision, about, act)
        }
        SubjectKind::ReviewReply => {
            let row = review_replies::table.find(subject.as_bytes().as_slice());
            let provider = row.select(review_replies::provider_id).first(conn)?;
            to_provider(conn, id, provider, NoticeKind::Decision, about, act)
        }
        SubjectKind::Program => {
            let row = programs::table.find(subject.as_bytes().as_slice());
            let provider = row.select(programs::provider_id).first(conn)?;
            to_provider(conn, id, provider, NoticeKind::Decision, about, act)
        }
        SubjectKind::RedFlagReport => of_report(conn, id, about, act),
        SubjectKind::Appeal => {
            let row = appeals::table.find(subject.as_bytes().as_slice());
            let (party, appellant, provider) =
                row.select((appeals::party, appeals::appellant_id, appeals::provider_id)).first(conn)?;
            match party {
                Party::Provider => to_provider(conn, id, provider, NoticeKind::Decision, about, act),
                Party::Author | Party::Reporter => to_person(conn, id, appellant, NoticeKind::Decision, about, act),
            }
        }
        // An assessment is public when it is ruled on, and nobody owns a triage entry.
        SubjectKind::Assessment | SubjectKind::TriageEntry => Ok(()),
    }
}

/// The reporter is told of each ruling. The provider is told that it is asked, and, if it was, that the report is public:
/// never of a report about which it was not asked, nor of anything that it cannot read.
fn of_report(conn: &mut Conn, id: NoticeId, about: About, act: &Decided<'_>) -> QueryResult<()> {
    let asked = report_answers::table.find(about.id.as_bytes().as_slice());
    if act.action == "ask_provider" {
        let provider = asked.select(report_answers::provider_id).first(conn)?;
        return to_provider(conn, id, provider, NoticeKind::AnswerRequest, about, act);
    }
    if act.by.is_some_and(|by| by.role == Role::Provider) {
        return Ok(());
    }
    let report = red_flag_reports::table.find(about.id.as_bytes().as_slice());
    let reporter = report.select(red_flag_reports::reporter_id).first(conn)?;
    let asks = act.action == ReportAction::RequestInfo.as_str();
    let kind = if asks { NoticeKind::NeedsInfo } else { NoticeKind::Decision };
    to_person(conn, id, reporter, kind, about, act)?;
    let published = [ReportAction::Substantiate, ReportAction::Remediate].map(ReportAction::as_str);
    if !published.contains(&act.action) {
        return Ok(());
    }
    match asked.select(report_answers::provider_id).first(conn).optional()? {
        // One decision, two letters: the second has an id of its own, which follows from the first.
        Some(provider) => {
            to_provider(conn, NoticeId::from_uuid(beside(*id.as_uuid())), provider, NoticeKind::Decision, about, act)
        }
        None => Ok(()),
    }
}

/// Another id, made from one: its last bit is the other one.
fn beside(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128() ^ 1)
}

fn to_person(
    conn: &mut Conn,
    id: NoticeId,
    person: PrincipalId,
    kind: NoticeKind,
    about: About,
    act: &Decided<'_>,
) -> QueryResult<()> {
    if act.by.is_some_and(|by| by.id == person) {
        return Ok(());
    }
    enqueue(conn, id, Recipient::Participant(person), kind, about, act.at)
}

fn to_provider(
    conn: &mut Conn,
    id: NoticeId,
    provider: ProviderId,
    kind: NoticeKind,
    about: About,
    act: &Decided<'_>,
) -> QueryResult<()> {
    if act.by.is_some_and(|by| by.role == Role::Provider && by.provider == Some(provider)) {
        return Ok(());
    }
    enqueue(conn, id, Recipient::Provider(provider), kind, about, act.at)
}

/// A letter that is this caller's to send.
#[derive(Debug)]
pub struct Claimed {
    /// The notice as it was before.
    pub row: NoticeRow,
    /// Where it goes, sealed.
    pub sealed: Vec<u8>,
}

/// What [`claim`] found.
#[derive(Debug, Default)]
pub struct Due {
    /// Letters to send.
    pub letters: Vec<Claimed>,
    /// How many were tried often enough.
    pub given_up: usize,
    /// How many rows were due.
    pub found: usize,
}

/// Takes up to `most` letters that are due, each by setting its next attempt on: whoever does that first sends it.
/// Notices to an address that is gone or not confirmed any more are dropped.
pub fn claim(conn: &mut Conn, now: Timestamp, most: i64) -> QueryResult<Due> {
    let rows: Vec<NoticeRow> = notices::table
        // Spelled out, as the index is.
        .filter(Sql::default().sql("notices.next_at > 0"))
        .filter(notices::next_at.le(now))
        .order((notices::next_at, notices::id))
        .limit(most)
        .select(NoticeRow::as_select())
        .load(conn)?;
    let mut due = Due { found: rows.len(), ..Due::default() };
    for row in rows {
        let sealed: Option<Vec<u8>> = notice_addresses::table
            .find(&row.recipient_id)
            .filter(notice_addresses::confirmed.eq(1))
            .select(notice_addresses::sealed)
            .first(conn)
            .optional()?;
        let same = notices::table.find(row.id).filter(notices::next_at.eq(row.next_at));
        match (sealed, pause(row.attempts)) {
            (None, _) => {
                diesel::delete(same).execute(conn)?;
            }
            (Some(_), None) => {
                due.given_up += diesel::update(same).set(notices::next_at.eq(Timestamp::EPOCH)).execute(conn)?;
            }
            (Some(sealed), Some(seconds)) => {
                let set = (notices::attempts.eq(row.attempts + 1), notices::next_at.eq(now.plus_seconds(seconds)));
                if diesel::update(same).set(set).execute(conn)? == 1 {
                    due.letters.push(Claimed { row, sealed });
                }
            }
        }
    }
    Ok(due)
}

/// What became of a letter.
#[derive(Debug, Clone, Copy)]
pub enum Tried {
    /// It was handed over.
    Sent(NoticeId),
    /// It is due again, at the time that [`claim`] set.
    Failed(NoticeId),
    /// It is not tried again.
    GivenUp(NoticeId),
}

/// Writes down what became of letters.
pub fn settle(conn: &mut Conn, tries: &[Tried], now: Timestamp) -> QueryResult<()> {
    for one in tries {
        let (id, sent_at) = match one {
            Tried::Sent(id) => (id, now),
            Tried::GivenUp(id) => (id, Timestamp::EPOCH),
            Tried::Failed(_) => continue,
        };
        diesel::update(notices::table.find(id))
            .set((notices::next_at.eq(Timestamp::EPOCH), notices::sent_at.eq(sent_at)))
            .execute(conn)?;
    }
    Ok(())
}

/// Forgets up to `most` notices, made before, that are sent or given up.
pub fn forget_settled(conn: &mut Conn, before: Timestamp, most: i64) -> QueryResult<usize> {
    let old: Vec<NoticeId> = notices::table
        .filter(Sql::default().sql("notices.next_at = 0"))
        .filter(notices::created_at.lt(before))
        .order((notices::created_at, notices::id))
        .limit(most)
        .select(notices::id)
        .load(conn)?;
    diesel::delete(notices::table.filter(notices::id.eq_any(old))).execute(conn)
}
