//! Changes of what is known of an author's having taken part, with their effect on the score.

use diesel::prelude::*;

use super::{ReviewRow, report_changed};
use crate::{
    db::{Conn, schema::reviews},
    http::Error,
    ids::{PrincipalId, ProgramId, ReviewId},
    participation::model::{Vouched, Voucher},
    programs::derived::review_changed,
    reviews::model::{ReviewStatus, Verification},
    score::RatedReview,
    time::{Month, Timestamp},
    vetting::standing_store,
};

/// What does not outlive the author's identity. An address is forgotten with it, and so is whom a university confirmed:
/// one mailbox, or one name, could else vouch for any number of participants, one after the other.
const FORGOTTEN: [Verification; 2] = [Verification::UniversityConfirmed, Verification::UniversityEmail];
/// What a confirmation is stronger than.
const WEAKER: [Verification; 2] = [Verification::UniversityEmail, Verification::None];

/// Takes back what is forgotten with the author of a review: it counts on as an unverified one.
pub fn forget_proof(conn: &mut Conn, id: ReviewId, now: Timestamp) -> Result<(), Error> {
    match held(conn, id, FORGOTTEN)? {
        Some(row) => prove(conn, row, Verification::None, None, now),
        None => Ok(()),
    }
}

/// Makes the reviews that a participant has written of a program, whose period overlaps this one and which are not public,
/// count as confirmed by a university. What a code proves stays as it is. A public one stays unverified: whoever confirmed
/// the one request would see the one review that changes.
pub fn confirm(
    conn: &mut Conn,
    participant: PrincipalId,
    program: ProgramId,
    (first, last): (Month, Month),
    now: Timestamp,
) -> Result<(), Error> {
    let written: Vec<ReviewId> = reviews::table
        .filter(reviews::participant_id.eq(participant))
        .filter(reviews::program_id.eq(program))
        .filter(reviews::status.ne_all([ReviewStatus::Published, ReviewStatus::Withdrawn]))
        .filter(reviews::period_start.le(last))
        .filter(reviews::period_end.ge(first))
        .order(reviews::id)
        .select(reviews::id)
        .load(conn)?;
    let vouched = Vouched { by: Voucher::University, month: now.day().month() };
    for id in written {
        if let Some(row) = held(conn, id, WEAKER)? {
            prove(conn, row, Verification::UniversityConfirmed, Some(vouched), now)?;
        }
    }
    Ok(())
}

/// The review, if it was verified in one of these ways, with its version counted up: it does not change before the commit.
fn held(conn: &mut Conn, id: ReviewId, verified: [Verification; 2]) -> QueryResult<Option<ReviewRow>> {
    diesel::update(reviews::table.find(id).filter(reviews::verification.eq_any(verified)))
        .set(reviews::version.eq(reviews::version + 1))
        .returning(reviews::all_columns)
        .get_result(conn)
        .optional()
}

/// Sets how a review is verified, and by whom.
fn prove(
    conn: &mut Conn,
    before: ReviewRow,
    verification: Verification,
    vouched: Option<Vouched>,
    now: Timestamp,
) -> Result<(), Error> {
    let told = before.reported()?;
    let (was_verified, was_public) = (before.verification.is_verified(), before.status.is_public());
    let counted = was_public.then(|| before.rated()).transpose()?;
    let after = ReviewRow { verification, ..before }.vouched(vouched);
    diesel::update(reviews::table.find(after.id))
        .set((
            reviews::verification.eq(after.verification),
            reviews::vouched_by.eq(after.vouched_by),
            reviews::vouched_month.eq(after.vouched_month),
        ))
        .execute(conn)?;
    let Some(counted) = counted else { return Ok(()) };
    let counts = RatedReview { verification, ..counted };
    review_changed(conn, after.program_id, Some(&counted), Some(&counts), now)?;
    report_changed(conn, &after, told.as_ref(), after.reported()?.as_ref(), now)?;
    if was_verified == verification.is_verified() {
        return Ok(());
    }
    standing_store::agreement_changed(conn, after.program_id, after.id, now)
}
