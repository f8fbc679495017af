//! `preceptor import …`.

use std::{fs, path::PathBuf};

use clap::Subcommand;

use super::{Failure, ready, say};
use crate::{config::Config, time::Timestamp, universities};

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Load universities and their mail domains from a JSON file (an array of objects with name, country,
    /// `alpha_two_code`, `state-province`, domains, `web_pages`). Rows that are there already are updated.
    Universities {
        /// The file.
        file: PathBuf,
    },
}

pub(super) fn run(config: &Config, ImportCommand::Universities { file }: ImportCommand) -> Result<(), Failure> {
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut conn = ready(config)?;
    let report = universities::import::run(&mut conn, &text, Timestamp::now())?;
    for fault in &report.faults {
        eprintln!("{fault}");
    }
    say(&report.summary());
    if report.faults.is_empty() { Ok(()) } else { Err(format!("{} rows were refused", report.faults.len()).into()) }
}
