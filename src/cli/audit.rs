//! `preceptor audit …`.

use clap::Subcommand;

use super::{Failure, issuer, ready, say};
use crate::{
    audit::store::{AuditKey, Outcome, verify},
    config::Config,
};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Follow the security log from its beginning: print how many entries it has and the last one's hash, or end with
    /// status 1 and name the first entry that is missing or not as it was written.
    Verify,
}

pub(super) fn run(config: &Config, AuditCommand::Verify: AuditCommand) -> Result<(), Failure> {
    let mut conn = ready(config)?;
    let key = AuditKey::derive(issuer(config)?.keys().secret());
    match verify(&mut conn, &key)? {
        Outcome::Sound { count, head } => {
            say(&format!("{count} entries, the last with the hash {}", if head.is_empty() { "-" } else { &head }));
            Ok(())
        }
        Outcome::Broken(seq) => {
            Err(format!("the security log is broken: entry {seq} is missing or not as it was written").into())
        }
    }
}
