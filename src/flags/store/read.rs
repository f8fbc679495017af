//! Reading flags and cases.

use diesel::{dsl::count_star, prelude::*};

use super::{CaseRow, FlagRow, by_party, find};
use crate::{
    db::{
        Conn,
        schema::{review_cases, review_flag_reasons, review_flags, reviews},
    },
    flags::model::{CaseOutcome, CaseStatus, FlagReason, FlaggerClass, Party},
    http::{Error, Position},
    ids::{PrincipalId, ProgramId, ReviewCaseId, ReviewId},
    reviews::store::{self as review_store, ReviewRow},
    time::Timestamp,
};

/// Most notes that a case shows.
const NOTES: i64 = 500;

/// A flag as its party may know it.
#[derive(Debug, Clone)]
pub struct OwnFlag {
    /// The flag.
    pub flag: FlagRow,
    /// Its reasons, in the order of the closed set.
    pub reasons: Vec<FlagReason>,
    /// State of its case.
    pub status: CaseStatus,
    /// How the case ended.
    pub outcome: Option<CaseOutcome>,
}

/// A case in the list, with the program of its review.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = review_cases)]
pub struct CaseItemRow {
    /// The case.
    #[diesel(embed)]
    pub case: CaseRow,
    /// The program.
    #[diesel(select_expression = reviews::program_id)]
    pub program: ProgramId,
}

impl CaseItemRow {
    /// Where this row stands in the list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position::by_number(self.case.opened_at.as_micros(), *self.case.id.as_uuid())
    }
}

/// A case with all that a moderator may know of it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The case.
    pub case: CaseRow,
    /// The review.
    pub review: ReviewRow,
    /// How many flagged it, by class.
    pub flags: Vec<(FlaggerClass, i64)>,
    /// How many gave each reason, by class.
    pub reasons: Vec<(FlagReason, FlaggerClass, i64)>,
    /// What they wrote.
    pub notes: Vec<String>,
}

/// Cases for moderators in one state, those first that were opened first, from behind `after`.
pub fn queue(
    conn: &mut Conn,
    status: CaseStatus,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<CaseItemRow>, Error> {
    let mut query = review_cases::table
        .inner_join(reviews::table)
        .filter(review_cases::status.eq(status))
        .select(CaseItemRow::as_select())
        .into_boxed();
    if let Some(position) = after {
        let opened = Timestamp::from_micros(position.number).ok_or(Error::Cursor)?;
        let last = ReviewCaseId::from_uuid(position.id);
        query = query
            .filter(review_cases::opened_at.ge(opened))
            .filter(review_cases::opened_at.gt(opened).or(review_cases::id.gt(last)));
    }
    Ok(query.order((review_cases::opened_at, review_cases::id)).limit(limit).load(conn)?)
}

/// Finds a case with what its flags say.
pub fn detail(conn: &mut Conn, id: ReviewCaseId) -> Result<Detail, Error> {
    let case = find(conn, id)?;
    let review = review_store::find(conn, case.review_id)?;
    let flags = review_flags::table
        .filter(review_flags::case_id.eq(id))
        .group_by(review_flags::party_class)
        .select((review_flags::party_class, count_star()))
        .load(conn)?;
    let reasons = review_flags::table
        .inner_join(review_flag_reasons::table)
        .filter(review_flags::case_id.eq(id))
        .group_by((review_flag_reasons::reason, review_flags::party_class))
        .select((review_flag_reasons::reason, review_flags::party_class, count_star()))
        .load(conn)?;
    let notes: Vec<Option<String>> = review_flags::table
        .filter(review_flags::case_id.eq(id))
        .filter(review_flags::note.is_not_null())
        // The ids are random, so the order tells nothing.
        .order(review_flags::id)
        .limit(NOTES)
        .select(review_flags::note)
        .load(conn)?;
    Ok(Detail { case, review, flags, reasons, notes: notes.into_iter().flatten().collect() })
}

fn own_of(conn: &mut Conn, flags: Vec<(FlagRow, CaseStatus, Option<CaseOutcome>)>) -> QueryResult<Vec<OwnFlag>> {
    let mut own = Vec::with_capacity(flags.len());
    for (flag, status, outcome) in flags {
        let mut reasons: Vec<FlagReason> = review_flag_reasons::table
            .filter(review_flag_reasons::flag_id.eq(flag.id))
            .select(review_flag_reasons::reason)
            .load(conn)?;
        reasons.sort_unstable();
        own.push(OwnFlag { flag, reasons, status, outcome });
    }
    Ok(own)
}

/// The party's flag on a review. [`Error::NotFound`] without one.
pub fn own(conn: &mut Conn, party: Party, review: ReviewId) -> Result<OwnFlag, Error> {
    let flags = review_flags::table
        .inner_join(review_cases::table)
        .filter(review_flags::review_id.eq(review))
        .filter(review_flags::party_id.eq(by_party(party.id)))
        .select((FlagRow::as_select(), review_cases::status, review_cases::outcome))
        .load(conn)?;
    own_of(conn, flags)?.pop().ok_or(Error::NotFound("flag"))
}

/// All flags of a participant, oldest first.
pub fn of_participant(conn: &mut Conn, id: PrincipalId) -> QueryResult<Vec<OwnFlag>> {
    let flags = review_flags::table
        .inner_join(review_cases::table)
        .filter(review_flags::party_id.eq(by_party(*id.as_uuid())))
        .order((review_flags::created_at, review_flags::id))
        .select((FlagRow::as_select(), review_cases::status, review_cases::outcome))
        .load(conn)?;
    own_of(conn, flags)
}
