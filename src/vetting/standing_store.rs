//! What the verdict on each program follows from, and the columns that follow from it: kept in the transaction of
//! whatever changes them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{
    listing::{differs, levels_added},
    rubric::Rubric,
    rubric_store,
    signals::{accounts, scope_findings},
};
use crate::{
    assessments::{
        model::{AssessmentStatus, Content, EvidenceKind},
        ruling::AGREEING,
    },
    db::{
        Conn, Db,
        schema::{assessments, program_vetting, programs, red_flag_reports, reviews, verdict_changes},
    },
    http::Error,
    ids::{AssessmentId, PrincipalId, ProgramId, ReportId, ReviewId},
    programs::{model::ProgramStatus, store},
    red_flags::model::{OPEN, ReportStatus},
    reference::{RedFlagKind, Severity},
    reviews::model::{ReviewStatus, Verification},
    self_reports::{self, triage_store},
    time::{Day, Timestamp},
    verdict::{
        AssessmentFacts, Inputs, Notice, Outlook, ReportFact, RulingFacts, SignalFact, TriageStatus, Verdict, decide,
        standing_notices,
    },
};

/// Programs gathered anew in one transaction by [`catch_up`].
const BATCH: i64 = 100;

/// The columns of `programs` that tell the verdict on any day from the present one on.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = programs)]
pub struct Standing {
    verdict: Verdict,
    conditions_from: Day,
    insufficient_from: Day,
    stale_from: Day,
    notices: String,
}

impl Standing {
    fn of(inputs: &Inputs, today: Day) -> Self {
        let outlook = Outlook::of(inputs, today);
        let notices: Vec<&str> = standing_notices(inputs).into_iter().map(Notice::as_str).collect();
        Self {
            verdict: outlook.verdict,
            conditions_from: outlook.conditions_from,
            insufficient_from: outlook.insufficient_from,
            stale_from: outlook.stale_from,
            notices: notices.join(","),
        }
    }

    /// Of a program that nothing is known of.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            verdict: Verdict::InsufficientEvidence,
            conditions_from: Day::NEVER,
            insufficient_from: Day::NEVER,
            stale_from: Day::NEVER,
            notices: String::new(),
        }
    }

    const fn outlook(&self) -> Outlook {
        Outlook {
            verdict: self.verdict,
            conditions_from: self.conditions_from,
            insufficient_from: self.insufficient_from,
            stale_from: self.stale_from,
        }
    }

    /// The verdict on a day.
    #[must_use]
    pub fn verdict_on(&self, today: Day) -> Verdict {
        self.outlook().on(today)
    }

    /// The notices on a day, for a program in a state.
    #[must_use]
    pub fn notices_on(&self, today: Day, status: ProgramStatus) -> Vec<Notice> {
        let mut notices: Vec<Notice> = self.notices.split(',').filter_map(|word| word.parse().ok()).collect();
        notices.extend((status == ProgramStatus::Suspended).then_some(Notice::Suspended));
        notices.extend((today >= self.stale_from).then_some(Notice::Stale));
        notices.sort_unstable();
        notices
    }

    /// How many of its days have come, 0 to 3: the only thing about it that changes by the clock.
    #[must_use]
    pub fn phase(&self, today: Day) -> u8 {
        [self.conditions_from, self.insufficient_from, self.stale_from].iter().map(|day| u8::from(*day <= today)).sum()
    }

    /// Whether it tells the same from `today` on.
    fn is_same_from(&self, other: &Self, today: Day) -> bool {
        let days = |standing: &Self| {
            [standing.conditions_from, standing.insufficient_from]
                .map(|day| if day <= today { Day::NEVER } else { day })
        };
        let stale = |standing: &Self| standing.stale_from.max(today);
        self.verdict_on(today) == other.verdict_on(today)
            && days(self) == days(other)
            && stale(self) == stale(other)
            && self.notices == other.notices
    }
}

/// How many reports stand, and how many of them are critical.
fn counts(inputs: &Inputs) -> (i32, i32) {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let standing = || inputs.reports.iter().filter(|report| report.status.stands());
    let critical = standing().filter(|report| report.severity == Severity::Critical);
    (count(standing().count()), count(critical.count()))
}

/// Gathers what the verdict of a program follows from, and enters what follows from it. Called last in every write that
/// changes any of it.
pub fn refresh(conn: &mut Conn, program: ProgramId, now: Timestamp) -> Result<(), Error> {
    store::lock(conn, program)?;
    let rubric_version = rubric_store::current_version(conn)?;
    let inputs = gather(conn, program, rubric_version, Some(now))?;
    let text = serde_json::to_string(&inputs).map_err(Error::internal)?;
    let row = (program_vetting::inputs.eq(&text), program_vetting::rubric_version.eq(rubric_version));
    if diesel::update(program_vetting::table.find(program)).set(row).execute(conn)? == 0 {
        diesel::insert_into(program_vetting::table)
            .values((program_vetting::program_id.eq(program), row))
            .execute(conn)?;
    }
    let standing = Standing::of(&inputs, now.day());
    let (reports, critical) = counts(&inputs);
    let counted = (programs::report_count.eq(reports), programs::critical_report_count.eq(critical));
    diesel::update(programs::table.find(program)).set((&standing, counted)).execute(conn)?;
    add_to_history(conn, program, &inputs, &standing, now)
}

/// What the verdict of a program follows from.
pub fn inputs(conn: &mut Conn, program: ProgramId) -> Result<Inputs, Error> {
    let text: Option<String> =
        program_vetting::table.find(program).select(program_vetting::inputs).first(conn).optional()?;
    if let Some(text) = text {
        return serde_json::from_str(&text).map_err(Error::internal);
    }
    // A program from before there was a rubric, until `catch_up` comes to it.
    let rubric_version = rubric_store::current_version(conn)?;
    gather(conn, program, rubric_version, None)
}

/// Id, rubric, listing and rulings of the assessment in force.
type InForce = (AssessmentId, i32, i32, String);

/// Reads everything that the verdict of a program follows from. With `opening`, critical signals that moderators do not
/// know of yet open a triage entry.
pub fn gather(conn: &mut Conn, program: ProgramId, current: i32, opening: Option<Timestamp>) -> Result<Inputs, Error> {
    let (status, listing_version): (ProgramStatus, i32) =
        programs::table.find(program).select((programs::status, programs::listing_version)).first(conn)?;
    let in_force: Option<InForce> = assessments::table
        .filter(assessments::program_id.eq(program))
        .filter(assessments::status.eq(AssessmentStatus::Published))
        .select((assessments::id, assessments::rubric_version, assessments::listing_version, assessments::content))
        .first(conn)
        .optional()?;
    let version = in_force.as_ref().map_or(current, |(_, version, ..)| *version);
    let rubric = rubric_store::find(conn, version)?;
    let listing = store::listing(conn, program, listing_version)?;
    let assessment = match in_force {
        None => None,
        Some((id, _, assessed, content)) => {
            let assessed =
                (assessed != listing_version).then(|| store::listing(conn, program, assessed)).transpose()?;
            let content: Content = serde_json::from_str(&content).map_err(Error::internal)?;
            Some(AssessmentFacts {
                id,
                listing_changed: assessed.as_ref().is_some_and(|assessed| differs(assessed, &listing)),
                levels_added: assessed.map(|assessed| levels_added(&assessed, &listing)).unwrap_or_default(),
                rulings: rulings(conn, program, &content)?,
            })
        }
    };
    Ok(Inputs {
        suspended: status == ProgramStatus::Suspended,
        assessment,
        reports: reports(conn, program, &rubric)?,
        reports_under_review: reports_under_review(conn, program)?,
        signals: signals(conn, program, &rubric, opening)?,
        scope: scope_findings(&rubric, &listing),
        contradicted_claims: self_reports::store::contradicted(conn, program)?,
        rubric: rubric.facts(version),
    })
}

/// What an assessment found. That participants agree is evidence only as long as reviews of enough of them are published
/// and verified.
fn rulings(conn: &mut Conn, program: ProgramId, content: &Content) -> QueryResult<Vec<RulingFacts>> {
    let mut rulings = Vec::with_capacity(content.rulings.len());
    for ruling in &content.rulings {
        let mut facts = ruling.facts();
        for item in ruling.evidence.iter().filter(|item| item.kind == EvidenceKind::ParticipantsAgree) {
            let people: Vec<PrincipalId> = reviews::table
                .filter(reviews::id.eq_any(&item.review_ids))
                .filter(reviews::program_id.eq(program))
                .filter(reviews::status.eq(ReviewStatus::Published))
                .filter(reviews::verification.ne(Verification::None))
                .select(reviews::participant_id)
                .load(conn)?;
            if people.into_iter().collect::<BTreeSet<_>>().len() < AGREEING {
                facts.evidence.retain(|kept| kept.id != item.id);
            }
        }
        rulings.push(facts);
    }
    Ok(rulings)
}

/// Accounts for a verified review that has begun or ceased to count, where the assessment in force rests on it.
pub fn agreement_changed(conn: &mut Conn, program: ProgramId, review: ReviewId, now: Timestamp) -> Result<(), Error> {
    let in_force = assessments::table
        .filter(assessments::program_id.eq(program))
        .filter(assessments::status.eq(AssessmentStatus::Published));
    let content: Option<String> = in_force.select(assessments::content).first(conn).optional()?;
    if content.is_some_and(|content| content.contains(&review.to_string())) {
        refresh(conn, program, now)
    } else {
        Ok(())
    }
}

fn reports(conn: &mut Conn, program: ProgramId, rubric: &Rubric) -> QueryResult<Vec<ReportFact>> {
    let rows: Vec<(ReportId, RedFlagKind, Severity, ReportStatus)> = red_flag_reports::table
        .filter(red_flag_reports::program_id.eq(program))
        .filter(red_flag_reports::status.eq(ReportStatus::Substantiated))
        .order(red_flag_reports::id)
        .select((red_flag_reports::id, red_flag_reports::kind, red_flag_reports::severity, red_flag_reports::status))
        .load(conn)?;
    let fact =
        |(id, kind, severity, status)| ReportFact { id, kind, criteria: rubric.touched_by(kind), severity, status };
    Ok(rows.into_iter().map(fact).collect())
}

/// As [`crate::red_flags::store::ReportRow::is_looked_into`] says of one.
fn reports_under_review(conn: &mut Conn, program: ProgramId) -> QueryResult<i32> {
    let found: i64 = red_flag_reports::table
        .filter(red_flag_reports::program_id.eq(program))
        .filter(red_flag_reports::status.eq_any(OPEN))
        .filter(red_flag_reports::severity.eq(Severity::Critical))
        .filter(
            red_flag_reports::verification.ne(Verification::None).or(red_flag_reports::public_summary.is_not_null()),
        )
        .count()
        .get_result(conn)?;
    Ok(i32::try_from(found).unwrap_or(i32::MAX))
}

fn signals(
    conn: &mut Conn,
    program: ProgramId,
    rubric: &Rubric,
    opening: Option<Timestamp>,
) -> Result<Vec<SignalFact>, Error> {
    let tasks = self_reports::store::tasks(conn, program)?;
    let mut entries = triage_store::entries(conn, program)?;
    if tasks.is_empty() && entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut accounts: BTreeMap<_, _> = accounts(rubric, &tasks);
    for (kind, entry) in &entries {
        let of_kind = accounts.entry(*kind).or_default();
        of_kind.retain(|account| !entry.cleared.contains(&account.review_id));
    }
    if let Some(now) = opening {
        triage_store::follow(conn, program, &accounts, &entries, now)?;
        entries = triage_store::entries(conn, program)?;
    }
    let signal = |(kind, accounts)| {
        let entry = entries.get(&kind);
        SignalFact {
            kind,
            criteria: rubric.touched_by(kind),
            triage_entry_id: entry.map(|entry| entry.id),
            triage_status: entry.map(|entry| entry.status),
            accounts,
        }
    };
    let waits_or_stands =
        |signal: &SignalFact| matches!(signal.triage_status, Some(TriageStatus::Open | TriageStatus::Confirmed));
    let tells = |signal: &SignalFact| !signal.accounts.is_empty() || waits_or_stands(signal);
    Ok(accounts.into_iter().map(signal).filter(tells).collect())
}

/// Writes down what the verdict is from now on, and why, if that is new.
fn add_to_history(
    conn: &mut Conn,
    program: ProgramId,
    inputs: &Inputs,
    standing: &Standing,
    now: Timestamp,
) -> Result<(), Error> {
    use verdict_changes as v;

    let mut codes: Vec<_> = decide(inputs, now.day()).reasons.iter().map(|reason| reason.code).collect();
    codes.dedup();
    let codes = serde_json::to_string(&codes).map_err(Error::internal)?;
    let last: Option<(i32, Verdict, Day, Day, String)> = v::table
        .filter(v::program_id.eq(program))
        .order(v::number.desc())
        .select((v::number, v::verdict, v::conditions_from, v::insufficient_from, v::reasons))
        .first(conn)
        .optional()?;
    let Standing { verdict, conditions_from, insufficient_from, .. } = *standing;
    let new = (verdict, conditions_from, insufficient_from, &codes);
    if last.as_ref().is_some_and(|(_, was, one, two, why)| (*was, *one, *two, why) == new) {
        return Ok(());
    }
    diesel::insert_into(v::table)
        .values((
            v::program_id.eq(program),
            v::number.eq(last.map_or(1, |(number, ..)| number + 1)),
            v::verdict.eq(verdict),
            v::conditions_from.eq(conditions_from),
            v::insufficient_from.eq(insufficient_from),
            v::reasons.eq(&codes),
            v::rubric_version.eq(inputs.rubric.version),
            v::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Gathers anew for programs that were last gathered under an earlier rubric, in batches, so that no write waits long.
/// Each verdict names the rubric that it was judged by.
pub async fn catch_up(db: &Db, now: Timestamp) -> Result<(), Error> {
    loop {
        let late = db.read(behind).await?;
        if late.is_empty() {
            return Ok(());
        }
        db.write(move |conn| late.iter().try_for_each(|program| refresh(conn, *program, now))).await?;
    }
}

fn behind(conn: &mut Conn) -> Result<Vec<ProgramId>, Error> {
    let current = rubric_store::current_version(conn)?;
    let earlier = program_vetting::table
        .filter(program_vetting::rubric_version.lt(current))
        .order((program_vetting::rubric_version, program_vetting::program_id))
        .limit(BATCH)
        .select(program_vetting::program_id);
    let found: Vec<ProgramId> = earlier.load(conn)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let missing = programs::table
        .left_join(program_vetting::table)
        .filter(program_vetting::program_id.is_null())
        .order(programs::id)
        .limit(BATCH)
        .select(programs::id);
    Ok(missing.load(conn)?)
}

/// Whether the stored inputs and columns of a program are what the tables give, up to what the passing of days has
/// changed.
pub fn is_true_to_tables(conn: &mut Conn, row: &store::ProgramRow, today: Day) -> Result<bool, Error> {
    let current = rubric_store::current_version(conn)?;
    let gathered = gather(conn, row.id, current, None)?;
    Ok(inputs(conn, row.id)? == gathered
        && row.standing.is_same_from(&Standing::of(&gathered, today), today)
        && (row.report_count, row.critical_report_count) == counts(&gathered))
}
