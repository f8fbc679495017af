//! `preceptor keys …`.

use clap::Subcommand;

use super::{Failure, load_keys, ready, say};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::{Change, Keys},
    config::Config,
    db,
    time::Timestamp,
};

/// Seconds that the next key is published before it signs: until every running server has read it, and every copy of
/// the key set that was made before has grown old.
const AHEAD: i64 = 300 + 60;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Print the signing keys: id, state, from when on each signs, and until when its tokens are taken.
    List,
    /// Make the next signing key. It is published at once; the present one goes on signing until then.
    Rotate {
        /// When it begins to sign: seconds, minutes, hours or days, as in 90s, 10m, 1h, 7d.
        #[arg(long = "in", default_value = "10m", value_parser = seconds)]
        ahead: i64,
        /// Take a time below six minutes too. Whoever keeps a copy of the key set may then refuse tokens until they
        /// fetch it anew.
        #[arg(long)]
        early: bool,
    },
    /// Emergency: end a key at once, and with it all its tokens.
    Retire {
        /// The key's id.
        kid: String,
    },
}

pub(super) fn run(config: &Config, command: &KeysCommand) -> Result<(), Failure> {
    let keys = load_keys(config)?;
    let now = Timestamp::now();
    match command {
        KeysCommand::List => {
            list(&keys, now);
            Ok(())
        }
        KeysCommand::Rotate { ahead, early } => {
            if *ahead < AHEAD && !early {
                return Err(format!(
                    "copies of the key set may be {AHEAD} s old, and would refuse the next key; give it longer, or --early"
                )
                .into());
            }
            let from = now.plus_seconds(*ahead);
            let change = keys.rotate(now, from)?;
            let done = format!("{} signs from {from}", change.kid());
            make(config, &keys, change, AuditKind::KeysRotated, now)?;
            say(&done);
            Ok(())
        }
        KeysCommand::Retire { kid } => {
            let change = keys.retire(kid, now)?;
            make(config, &keys, change, AuditKind::KeyRetired, now)?;
            say(&format!("{kid} has ended"));
            Ok(())
        }
    }
}

/// Writes the change into the security log first: no key changes without a row there.
fn make(config: &Config, keys: &Keys, change: Change, kind: AuditKind, now: Timestamp) -> Result<(), Failure> {
    let mut conn = ready(config)?;
    let key = AuditKey::derive(keys.secret());
    let event = Event { kind, actor: None, subject: format!("key:{}", change.kid()) };
    db::transaction(&mut conn, &|conn| audit::append(conn, &key, &event, now))?;
    Ok(change.commit()?)
}

fn list(keys: &Keys, now: Timestamp) {
    let signing = keys.signing_place(now);
    for (place, key) in keys.entries().iter().enumerate() {
        let state = if signing == Some(place) {
            "signs"
        } else if key.waits(now) {
            "waits"
        } else if key.holds(now) {
            "holds"
        } else {
            "over"
        };
        let end = key.retire_at.map_or_else(|| "-".to_owned(), |end| end.to_string());
        say(&format!("{}  {state}  {}  {end}", key.kid, key.sign_from));
    }
}

/// A span of time of at most 30 days.
fn seconds(text: &str) -> Result<i64, String> {
    let fault = || "a number and s, m, h or d, at most 30d, as in 10m".to_owned();
    let unit = text.chars().last().ok_or_else(fault)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(fault()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| fault())?;
    let span = i64::from(number) * factor;
    if span <= 30 * 86_400 { Ok(span) } else { Err(fault()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_time_has_a_unit_and_an_end() {
        for (text, span) in [("0s", 0), ("90s", 90), ("10m", 600), ("2h", 7200), ("30d", 2_592_000)] {
            assert_eq!(seconds(text), Ok(span));
        }
        for text in ["", "m", "10", "-1m", "1.5h", "31d", "10 m", "10µ", "99999999999s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
