//! `preceptor verdict …`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::{Failure, ready, say};
use crate::{
    config::Config,
    db::Conn,
    programs::{
        routes::VerdictBody,
        store::{self, ProgramKey},
    },
    time::{Day, Timestamp},
    vetting::{export::VerdictInputs, export_store, standing_store},
};

#[derive(Debug, Subcommand)]
pub(super) enum VerdictCommand {
    /// Print what verdicts follow from: one line of JSON for each listed or suspended program.
    ///
    /// A line is what `GET /v1/programs/{program}/verdict-inputs` answers.
    Export {
        /// Only this program (id or slug), whatever its state.
        #[arg(long)]
        program: Option<ProgramKey>,
    },
    /// Print the verdict on a program with its reasons, as `GET /v1/programs/{program}/verdict` answers it on that day.
    Explain(Explain),
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The program's id or slug.
    #[arg(long)]
    program: ProgramKey,
    /// The day, such as 2026-03-01; today when absent.
    #[arg(long)]
    at: Option<Day>,
    /// A file of exported lines, or - for standard input. No database is opened then.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl VerdictCommand {
    /// Carries out what needs neither settings nor a database; false when it needs them.
    pub(super) fn offline(&self) -> Result<bool, Failure> {
        let Self::Explain(Explain { program, at, from: Some(from) }) = self else { return Ok(false) };
        let line = if from == Path::new("-") {
            find(io::stdin().lock(), program)
        } else {
            let file = File::open(from).map_err(|error| format!("{}: {error}", from.display()))?;
            find(BufReader::new(file), program)
        };
        let found = line.map_err(|error| format!("{}: {error}", from.display()))?;
        explain(found.ok_or_else(|| format!("{}: there is no such program", from.display()))?, *at)?;
        Ok(true)
    }
}

pub(super) fn run(config: &Config, command: &VerdictCommand) -> Result<(), Failure> {
    let mut conn = ready(config)?;
    match command {
        VerdictCommand::Explain(Explain { program, at, .. }) => explain(one(&mut conn, program)?, *at),
        VerdictCommand::Export { program } => {
            let mut out = BufWriter::new(io::stdout().lock());
            let written = match program {
                Some(program) => write(&mut out, &[one(&mut conn, program)?]),
                None => all(&mut conn, &mut out)?,
            };
            match written.and_then(|()| out.flush()) {
                // A reader that has seen enough closes the pipe.
                Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
                _ => Ok(()),
            }
        }
    }
}

/// In batches, so that memory does not grow with the catalogue. The inner error is that of the output.
fn all(conn: &mut Conn, out: &mut impl Write) -> Result<io::Result<()>, Failure> {
    let mut after = None;
    while let Some((lines, last)) = export_store::batch(conn, after)? {
        after = Some(last);
        let written = write(out, &lines);
        if written.is_err() {
            return Ok(written);
        }
    }
    Ok(Ok(()))
}

fn write(out: &mut impl Write, lines: &[VerdictInputs]) -> io::Result<()> {
    for line in lines {
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn one(conn: &mut Conn, key: &ProgramKey) -> Result<VerdictInputs, Failure> {
    let row = store::find(conn, key)?.ok_or("there is no such program")?;
    Ok(VerdictInputs { program_id: row.id, slug: row.slug, inputs: standing_store::inputs(conn, row.id)? })
}

/// The line about a program.
fn find(lines: impl BufRead, key: &ProgramKey) -> Result<Option<VerdictInputs>, Failure> {
    for (number, line) in (1_u64..).zip(lines.lines()) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let read: VerdictInputs = serde_json::from_str(&line).map_err(|error| format!("line {number}: {error}"))?;
        if read.is_of(key) {
            return Ok(Some(read));
        }
    }
    Ok(None)
}

fn explain(line: VerdictInputs, at: Option<Day>) -> Result<(), Failure> {
    let day = at.unwrap_or_else(|| Timestamp::now().day());
    say(&serde_json::to_string(&VerdictBody::of(line.program_id, line.inputs, day))?);
    Ok(())
}
