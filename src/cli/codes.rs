//! `preceptor code …`.

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{Failure, issuer, ready, say};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    cohorts::routes::fresh_codes,
    config::Config,
    db,
    http::Error,
    ids::CohortId,
    participation::{self, model::Cohort},
    programs::{self, store::ProgramKey},
    time::{Month, Timestamp},
};

#[derive(Debug, Subcommand)]
pub(super) enum CodeCommand {
    /// Make a cohort of a program, for which the service vouches, and print its participation codes, one per line. They are shown this once.
    ///
    /// The cohort's id, for taking codes back, goes to standard error.
    Issue(Issue),
    /// Take the codes of a cohort back that nobody has redeemed. What was proved with the others stays.
    Revoke {
        /// The cohort's id; the security log has it too (`codes.issued`).
        cohort: CohortId,
    },
}

#[derive(Debug, Args)]
pub(super) struct Issue {
    /// The program's id or slug.
    #[arg(long)]
    program: ProgramKey,
    /// First month of the cohort's period, such as 2025-03.
    #[arg(long)]
    start: Month,
    /// Last month of the cohort's period.
    #[arg(long)]
    end: Month,
    /// How many codes.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Days for which the codes can be redeemed.
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=1095))]
    days: u32,
}

pub(super) fn run(config: &Config, command: CodeCommand) -> Result<(), Failure> {
    match command {
        CodeCommand::Issue(new) => issue(config, &new),
        CodeCommand::Revoke { cohort } => revoke(config, cohort),
    }
}

fn revoke(config: &Config, cohort: CohortId) -> Result<(), Failure> {
    let mut conn = ready(config)?;
    let audit = AuditKey::derive(issuer(config)?.keys().secret());
    let now = Timestamp::now();
    let revoked = db::transaction(&mut conn, &|conn| {
        let revoked = participation::store::revoke(conn, cohort)?;
        let revoked = revoked.ok_or_else(|| Error::BadRequest("there is no such cohort".to_owned()))?;
        let event = Event { kind: AuditKind::CodesRevoked, actor: None, subject: format!("cohort:{cohort}") };
        audit::append(conn, &audit, &event, now)?;
        Ok(revoked)
    })?;
    say(&format!("{revoked} codes revoked"));
    Ok(())
}

fn issue(config: &Config, issue: &Issue) -> Result<(), Failure> {
    if issue.start > issue.end {
        return Err("--end may not be before --start".into());
    }
    let mut conn = ready(config)?;
    let audit = AuditKey::derive(issuer(config)?.keys().secret());
    let now = Timestamp::now();
    let id = CohortId::from_uuid(Uuid::now_v7());
    let codes = fresh_codes(issue.count)?;
    let expires_at = now.plus_seconds(i64::from(issue.days) * 86_400);
    db::transaction(&mut conn, &|conn| {
        let program = programs::store::find(conn, &issue.program)?;
        let program = program.ok_or_else(|| Error::BadRequest("there is no such program".to_owned()))?.id;
        let cohort = Cohort { program, period_start: issue.start, period_end: issue.end };
        participation::store::issue(conn, id, &cohort, &codes, expires_at, now)?;
        let event = Event { kind: AuditKind::CodesIssued, actor: None, subject: format!("cohort:{id}") };
        audit::append(conn, &audit, &event, now)
    })?;
    // Beside the codes, which a script reads.
    eprintln!("cohort: {id}");
    say(&codes.join("\n"));
    Ok(())
}
