//! `preceptor token …`.

use std::time::Duration;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{Failure, issuer, ready, say};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::{
        Role,
        principals::{self, Principal},
    },
    config::Config,
    db::{self, Conn},
    http::Error,
    ids::{PrincipalId, UniversityId},
    providers,
    time::Timestamp,
    universities,
};

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Print an access token, and nothing else, on standard output.
    Issue(Issue),
}

#[derive(Debug, Args)]
pub(super) struct Issue {
    /// What the token is for: admin, moderator, assessor, participant, provider, university or frontend.
    #[arg(long)]
    role: Role,
    /// Whom the token is for: a provider's or university's id (or a provider's slug), else a principal's id.
    /// Without it, a new principal is made, or the provider or university that was registered first is taken.
    #[arg(long)]
    subject: Option<String>,
    /// Hours for which the token holds.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=2160))]
    hours: u32,
    /// How many tokens to print, one per line, each for a new principal.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "subject")]
    count: u32,
}

pub(super) fn run(config: &Config, TokenCommand::Issue(issue): TokenCommand) -> Result<(), Failure> {
    let mut conn = ready(config)?;
    let tokens = issuer(config)?;
    let now = Timestamp::now();
    let subject = issue.subject.as_deref();
    let log = AuditKey::derive(tokens.keys().secret());
    let made = db::transaction(&mut conn, &|conn| {
        let made =
            (0..issue.count).map(|_| principal(conn, issue.role, subject, now)).collect::<Result<Vec<_>, Error>>()?;
        let issued = made.iter().map(|id| {
            let subject = format!("principal:{id} role:{}", issue.role);
            Event { kind: AuditKind::TokenIssued, actor: None, subject }
        });
        audit::store::append_all(conn, &log, &issued.collect::<Vec<_>>(), now)?;
        Ok(made)
    })?;
    let lifetime = Duration::from_secs(u64::from(issue.hours) * 3600);
    for id in made {
        say(&tokens.issue(id, issue.role, now, lifetime, Uuid::new_v4())?);
    }
    Ok(())
}

/// Finds or makes the principal of a token.
pub(crate) fn principal(
    conn: &mut Conn,
    role: Role,
    subject: Option<&str>,
    now: Timestamp,
) -> Result<PrincipalId, Error> {
    let unknown = |what| Error::BadRequest(format!("there is no {what} {}", subject.unwrap_or("without --subject")));
    let mut principal = Principal::new(PrincipalId::from_uuid(Uuid::now_v7()), role, now);
    let known = match role {
        Role::Provider => {
            let found = match subject {
                Some(text) => providers::store::find_by_key(conn, text)?.map(|row| row.id),
                None => providers::store::first_registered(conn)?,
            };
            let id = found.ok_or_else(|| unknown("provider"))?;
            principal.provider_id = Some(id);
            principals::of_provider(conn, id)?
        }
        Role::University => {
            let found = match subject.map(str::parse::<UniversityId>) {
                Some(Ok(id)) => universities::store::exists(conn, id)?.then_some(id),
                Some(Err(_)) => None,
                None => universities::store::first_registered(conn)?,
            };
            let id = found.ok_or_else(|| unknown("university"))?;
            principal.university_id = Some(id);
            principals::of_university(conn, id)?
        }
        _ => match subject {
            Some(text) => {
                let id = text.parse().map_err(|_| unknown("principal"))?;
                let found = principals::find(conn, id)?.filter(|found| found.role == role);
                let found = found.ok_or_else(|| unknown("principal of this role"))?;
                if found.disabled_at.is_some() {
                    return Err(Error::BadRequest(format!("principal {text} has no rights any more")));
                }
                Some(found)
            }
            None => None,
        },
    };
    match known {
        Some(known) if known.role == role => Ok(known.id),
        _ => {
            principals::insert(conn, &principal)?;
            Ok(principal.id)
        }
    }
}
