//! The demonstration: a fictional catalogue inside the binary, loaded once into an empty database.
//!
//! It goes through the same store functions as requests do, so what it shows is what the service does.
//! Times are counted back from the day of loading, so the demo does not grow old.

mod assessments;
mod greeting;
mod moderation;
#[cfg(test)]
mod review_checks;

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use diesel::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    audit::AuditKey,
    auth::{
        Caller, Role, Tokens,
        principals::{self, Principal},
    },
    db::{self, Conn, schema::providers},
    http::Error,
    ids::{CohortId, DecisionId, PrincipalId, ProgramId, ProviderId, ReportId, ReviewId},
    participation::{
        self,
        model::{Cohort, RedemptionKey},
    },
    programs::{
        model::{ProgramAction, ProgramInput, ProgramStatus},
        store::{self as program_store, Key},
        write_store::{self, ProgramAct},
    },
    providers::{self as provider_feature, model::ProviderInput},
    red_flags::{
        model::{RedFlagReportInput, ReportDecisionInput, ReportRuling, ReportStatus},
        store::{self as report_store, NewReport},
    },
    reference::Severity,
    reviews::{
        cohort::CohortRule,
        model::{ReviewDecisionInput, ReviewInput, ReviewRuling, ReviewStatus, Verification},
        pseudonym::PseudonymKey,
        store::{self as review_store, NewReview, Ruled},
    },
    time::Timestamp,
    universities,
};

const PROVIDERS: &str = include_str!("providers.json");
const PROGRAMS: &str = include_str!("programs.json");
const REVIEWS: &str = include_str!("reviews.json");
const REPORTS: &str = include_str!("reports.json");
const UNIVERSITIES: &str = include_str!("universities.json");

/// The program whose participation codes are printed.
const CODES_FOR: &str = "kestrel-internal-medicine-kumasi";

const DAY: i64 = 86_400;
/// How long the printed tokens hold.
const TOKEN_LIFETIME: Duration = Duration::from_hours(12);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoProgram {
    provider: String,
    status: ProgramStatus,
    status_reason: Option<String>,
    listed_days_ago: Option<i64>,
    listing: ProgramInput,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoReview {
    program: String,
    participant: u16,
    status: ReviewStatus,
    verification: Verification,
    status_reason: Option<String>,
    days_ago: i64,
    review: ReviewInput,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoReport {
    program: String,
    reporter: u16,
    status: ReportStatus,
    severity: Severity,
    public_summary: Option<String>,
    reason: Option<String>,
    proof: Option<String>,
    days_ago: i64,
    report: RedFlagReportInput,
}

/// Loads the catalogue unless there are providers already, and returns what to print: address and tokens.
pub fn prepare(conn: &mut Conn, tokens: &Tokens, public_url: &str, now: Timestamp) -> Result<String, Error> {
    let known: Option<ProviderId> = providers::table.select(providers::id).first(conn).optional()?;
    let mut codes = Vec::new();
    if known.is_none() {
        let secret = tokens.keys().secret();
        let (pseudonyms, log) = (PseudonymKey::derive(secret), AuditKey::derive(secret));
        universities::import::run(conn, UNIVERSITIES, now)?;
        let sessions = RedemptionKey::derive(secret);
        db::transaction(conn, &|conn| load(conn, &pseudonyms, &sessions, &log, now))?;
        codes = issue_codes(conn, now)?;
    }
    let mut text = greeting::welcome(conn, tokens, public_url, now)?;
    text.push_str(&greeting::client(conn, tokens, public_url, now)?);
    if let Some(code) = codes.first() {
        let _ = write!(
            text,
            "\nParticipation codes of {CODES_FOR}, shown this once:\n\n{}\n\nTo redeem one:\n\n\
             curl {public_url}/v1/participation-codes/redemption --json '{{\"code\": \"{code}\"}}'\n",
            codes.join("\n")
        );
    }
    Ok(text)
}

/// Makes a cohort of a demo program that ended last month, and gives its codes.
fn issue_codes(conn: &mut Conn, now: Timestamp) -> Result<Vec<String>, Error> {
    let key = Key::Slug(CODES_FOR.to_owned());
    let program = program_store::find(conn, &key)?.ok_or_else(|| Error::internal("unknown demo program"))?.id;
    let last = now.day().month().minus_months(1);
    let cohort = Cohort { program, period_start: last.minus_months(2), period_end: last };
    let (id, codes) = (CohortId::from_uuid(Uuid::now_v7()), crate::cohorts::routes::fresh_codes(2)?);
    let expires_at = now.plus_seconds(180 * DAY);
    db::transaction(conn, &|conn| Ok(participation::store::issue(conn, id, &cohort, &codes, expires_at, now)?))?;
    Ok(codes)
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>, Error> {
    parse_one(text)
}

fn parse_one<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// What the loading has made so far.
struct Loader<'a> {
    pseudonyms: &'a PseudonymKey,
    sessions: &'a RedemptionKey,
    log: &'a AuditKey,
    moderator: Caller,
    /// For what takes two moderators.
    second: Caller,
    providers: BTreeMap<String, ProviderId>,
    programs: BTreeMap<String, ProgramId>,
    participants: BTreeMap<u16, PrincipalId>,
    /// The latest by program and author.
    reviews: BTreeMap<(String, u16), ReviewId>,
    now: Timestamp,
}

fn load(
    conn: &mut Conn,
    pseudonyms: &PseudonymKey,
    sessions: &RedemptionKey,
    log: &AuditKey,
    now: Timestamp,
) -> Result<(), Error> {
    let mut providers = BTreeMap::new();
    for input in parse::<ProviderInput>(PROVIDERS)? {
        let id = ProviderId::from_uuid(Uuid::now_v7());
        let row = provider_feature::store::insert(conn, &input, id, now.plus_seconds(-1600 * DAY))?;
        providers.insert(row.slug.clone(), row);
    }
    let moderator = new_principal(conn, Role::Moderator, now)?;
    let second = new_principal(conn, Role::Moderator, now)?;
    let mut loader = Loader {
        pseudonyms,
        sessions,
        log,
        moderator,
        second,
        providers: providers.iter().map(|(slug, row)| (slug.clone(), row.id)).collect(),
        programs: BTreeMap::new(),
        participants: BTreeMap::new(),
        reviews: BTreeMap::new(),
        now,
    };
    let programs = parse::<DemoProgram>(PROGRAMS)?;
    for program in &programs {
        let provider = providers.get(&program.provider).ok_or_else(|| Error::internal("unknown demo provider"))?;
        let listed = now.plus_seconds(-DAY * program.listed_days_ago.unwrap_or(3));
        let id = ProgramId::from_uuid(Uuid::now_v7());
        let row = write_store::create(conn, provider, &program.listing, id, listed.plus_seconds(-9 * DAY))?;
        if program.status != ProgramStatus::Draft {
            let own = Caller { role: Role::Provider, provider: Some(provider.id), ..loader.moderator };
            let submitted = listed.plus_seconds(-2 * DAY);
            act(conn, None, id, own, ProgramAction::Submit, "", submitted)?;
        }
        if program.listed_days_ago.is_some() {
            let reason = "The listing is complete and checked.";
            act(conn, Some(log), id, loader.moderator, ProgramAction::List, reason, listed)?;
        }
        loader.programs.insert(row.slug, id);
    }
    for review in parse(REVIEWS)? {
        loader.review(conn, &review)?;
    }
    for report in parse(REPORTS)? {
        loader.report(conn, &report)?;
    }
    assessments::load(conn, &loader)?;
    moderation::load(conn, &mut loader)?;
    for program in programs {
        let action = match program.status {
            ProgramStatus::Suspended => ProgramAction::Suspend,
            ProgramStatus::Archived => ProgramAction::Archive,
            _ => continue,
        };
        let reason = program.status_reason.unwrap_or_else(|| "The provider has ended the program.".to_owned());
        let id = loader.program(program.listing.slug.as_deref().unwrap_or_default())?;
        act(conn, Some(log), id, loader.moderator, action, &reason, now.plus_seconds(-20 * DAY))?;
    }
    Ok(())
}

fn act(
    conn: &mut Conn,
    audit: Option<&AuditKey>,
    id: ProgramId,
    by: Caller,
    action: ProgramAction,
    reason: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let act = ProgramAct { decision: decision_id(), by, action, reason, at, audit };
    write_store::act(conn, &Key::Id(id), &act).map(drop)
}

fn decision_id() -> DecisionId {
    DecisionId::from_uuid(Uuid::new_v4())
}

fn new_principal(conn: &mut Conn, role: Role, now: Timestamp) -> Result<Caller, Error> {
    let principal = Principal::new(PrincipalId::from_uuid(Uuid::now_v7()), role, now);
    principals::insert(conn, &principal)?;
    Ok(principal.caller())
}

impl Loader<'_> {
    fn program(&self, slug: &str) -> Result<ProgramId, Error> {
        self.programs.get(slug).copied().ok_or_else(|| Error::internal(format!("unknown demo program {slug}")))
    }

    fn participant(&mut self, conn: &mut Conn, number: u16) -> Result<Caller, Error> {
        let id = if let Some(id) = self.participants.get(&number) {
            *id
        } else {
            let made = new_principal(conn, Role::Participant, self.now)?;
            self.participants.insert(number, made.id);
            made.id
        };
        Ok(Caller { id, role: Role::Participant, provider: None, university: None })
    }

    fn review(&mut self, conn: &mut Conn, demo: &DemoReview) -> Result<(), Error> {
        let program = self.program(&demo.program)?;
        let author = self.participant(conn, demo.participant)?;
        let at = self.now.plus_seconds(-DAY * demo.days_ago);
        let new = NewReview {
            id: ReviewId::from_uuid(Uuid::new_v4()),
            program,
            participant: author.id,
            pseudonym: self.pseudonyms.pseudonym(author.id, program),
            verification: demo.verification,
            content: &demo.review,
        };
        let row = review_store::create(conn, &new, decision_id(), at)?;
        self.reviews.insert((demo.program.clone(), demo.participant), row.id);
        let later = at.plus_seconds(DAY);
        let reason = demo.status_reason.clone().unwrap_or_else(|| "Held for a closer look.".to_owned());
        let rulings: &[ReviewRuling] = match demo.status {
            ReviewStatus::Held => &[ReviewRuling::Hold],
            ReviewStatus::Rejected => &[ReviewRuling::Hold, ReviewRuling::Reject],
            _ => &[],
        };
        for action in rulings {
            let decision = ReviewDecisionInput { action: *action, reason: reason.clone(), ground: None, facts: None };
            let act = Ruled { record: decision_id(), rule: &CohortRule::off(), audit: self.log };
            review_store::decide(conn, &self.moderator, row.id, &decision, act, later)?;
        }
        if demo.status == ReviewStatus::Withdrawn {
            review_store::withdraw(conn, &author, row.id, decision_id(), later)?;
        }
        Ok(())
    }

    fn report(&mut self, conn: &mut Conn, demo: &DemoReport) -> Result<ReportId, Error> {
        use ReportRuling as R;

        let reporter = self.participant(conn, demo.reporter)?;
        let at = self.now.plus_seconds(-DAY * demo.days_ago);
        let id = ReportId::from_uuid(Uuid::new_v4());
        let new =
            NewReport { id, program: self.program(&demo.program)?, reporter: reporter.id, input: demo.report.clone() };
        report_store::create(conn, new, at)?;
        let rulings: &[R] = match demo.status {
            ReportStatus::Submitted | ReportStatus::Withdrawn => &[],
            ReportStatus::InTriage => &[R::StartTriage],
            ReportStatus::NeedsInfo => &[R::StartTriage, R::RequestInfo],
            ReportStatus::Substantiated => &[R::StartTriage, R::Substantiate],
            ReportStatus::Unsubstantiated => &[R::StartTriage, R::Unsubstantiate],
            ReportStatus::Remediated => &[R::StartTriage, R::Substantiate, R::Remediate],
        };
        for (step, action) in (1..).zip(rulings) {
            let is_last = usize::try_from(step).is_ok_and(|step| step == rulings.len());
            let reason = demo.reason.clone().filter(|_| is_last);
            let substantiates = *action == R::Substantiate;
            let decision = ReportDecisionInput {
                action: *action,
                reason: reason.unwrap_or_else(|| "Taken up by the moderators.".to_owned()),
                severity: Some(demo.severity).filter(|_| substantiates),
                public_summary: demo.public_summary.clone().filter(|_| substantiates),
                proof: demo.proof.clone().filter(|_| *action == R::Remediate),
                ground: None,
                facts: None,
            };
            let later = at.plus_seconds(step * DAY);
            if *action == R::Remediate && demo.severity == Severity::Critical {
                report_store::decide(conn, &self.second, id, &decision, decision_id(), later, self.log)?;
            }
            report_store::decide(conn, &self.moderator, id, &decision, decision_id(), later, self.log)?;
        }
        if demo.status == ReportStatus::Withdrawn {
            report_store::withdraw(conn, &reporter, id, decision_id(), at.plus_seconds(DAY))?;
        }
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use validator::Validate;

    use super::*;

    #[test]
    fn every_demo_entry_keeps_the_rules_of_its_input() {
        for input in parse::<ProviderInput>(PROVIDERS).unwrap() {
            input.validate().unwrap();
        }
        let programs = parse::<DemoProgram>(PROGRAMS).unwrap();
        assert!(programs.len() >= 24);
        for program in programs {
            program.listing.validate().unwrap();
        }
        let reviews = parse::<DemoReview>(REVIEWS).unwrap();
        assert!(reviews.len() >= 150);
        for review in reviews {
            review.review.validate().unwrap();
        }
        let reports = parse::<DemoReport>(REPORTS).unwrap();
        assert!(ReportStatus::ALL.iter().all(|status| reports.iter().any(|report| report.status == *status)));
        for report in reports {
            report.report.validate().unwrap();
        }
    }
}
