//! `preceptor principal …`.

use clap::Subcommand;

use super::{Failure, issuer, ready, say};
use crate::{audit::AuditKey, config::Config, db, ids::PrincipalId, principals::store, time::Timestamp};

#[derive(Debug, Subcommand)]
pub(super) enum PrincipalCommand {
    /// Take all rights from a principal of any role, from the next request on.
    Remove {
        /// The principal's id: the `sub` of its tokens.
        id: PrincipalId,
        /// Why; admins read it.
        #[arg(long, default_value = "Removed on the command line.")]
        reason: String,
    },
}

pub(super) fn run(config: &Config, command: PrincipalCommand) -> Result<(), Failure> {
    let PrincipalCommand::Remove { id, reason } = command;
    let mut conn = ready(config)?;
    let key = AuditKey::derive(issuer(config)?.keys().secret());
    if !(10..=2000).contains(&reason.chars().count()) {
        return Err("a reason has from 10 to 2000 characters".into());
    }
    let now = Timestamp::now();
    let row = db::transaction(&mut conn, &|conn| store::remove(conn, id, None, &reason, &key, now))?;
    say(&format!("{} {} has no rights any more", row.role, row.id));
    Ok(())
}
