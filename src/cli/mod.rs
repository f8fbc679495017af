//! The command line. Every command ends with status 0, or prints one sentence on standard error and ends with 1.

mod audit;
mod clients;
mod codes;
mod import;
mod keys;
mod principals;
mod tokens;
mod verdict;

use std::{io::Write, os::unix::fs::OpenOptionsExt, process::ExitCode, sync::Arc};

use actix_web::web::Data;
use clap::{Parser, Subcommand};

pub(crate) use clients::{Act, register};
pub(crate) use tokens::principal;

use crate::{
    app::State,
    audit::store as audit_store,
    auth::{Keys, Tokens, private_dir},
    config::{self, Config},
    db::{self, Conn, Db, Options, lock::ServerLock, migrations},
    demo, generate, openapi, outbound, programs, server,
    time::Timestamp,
};

/// Vets medical internships abroad, over HTTP.
#[derive(Debug, Parser)]
#[command(name = "preceptor", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a demonstration: make the database, load the demo catalogue, print tokens, listen.
    Demo,
    /// Serve.
    Serve,
    /// Bring the database's schema up to date and end.
    Migrate,
    /// Make access tokens.
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// Register and revoke the programs that call the API.
    #[command(subcommand)]
    Client(clients::ClientCommand),
    /// Make participation codes.
    #[command(subcommand)]
    Code(codes::CodeCommand),
    /// Take rights away.
    #[command(subcommand)]
    Principal(principals::PrincipalCommand),
    /// Look after the security log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Change the keys that sign access tokens.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Load data from a file.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Fill the database with made-up data for load tests; the same seed makes the same data.
    Generate(generate::Amounts),
    /// Compute scores, counts and verdicts anew from reviews and reports.
    Rebuild {
        /// Only compare with what is stored, and end with status 1 at a difference.
        #[arg(long)]
        check: bool,
    },
    /// Recompute verdicts: export what they follow from, explain one on any day.
    #[command(subcommand)]
    Verdict(verdict::VerdictCommand),
    /// Print the OpenAPI document.
    Openapi,
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every variable with its value in force, secrets masked; end with status 1 if one does not hold.
    Check,
}

/// What a command can fail with: a sentence for the operator.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("preceptor: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match &command {
        Command::Verdict(command) if command.offline()? => return Ok(()),
        Command::Openapi => {
            say(&serde_json::to_string_pretty(openapi::document())?);
            return Ok(());
        }
        Command::Config(ConfigCommand::Check) => {
            say(config::describe(&config::relevant()).trim_end());
            Config::from_env()?;
            return Ok(());
        }
        _ => {}
    }
    let config = Config::from_env()?;
    start_log(&config);
    match command {
        Command::Demo => serve(config, true),
        Command::Serve => serve(config, false),
        Command::Migrate => {
            let mut conn = open_file_and_connect(&config)?;
            let applied = migrations::migrate(&mut conn)?;
            say(&format!("{} migrations applied", applied.len()));
            Ok(())
        }
        Command::Token(command) => tokens::run(&config, command),
        Command::Client(command) => clients::run(&config, command),
        Command::Code(command) => codes::run(&config, command),
        Command::Principal(command) => principals::run(&config, command),
        Command::Audit(command) => audit::run(&config, command),
        Command::Keys(command) => keys::run(&config, &command),
        Command::Import(command) => import::run(&config, command),
        Command::Generate(amounts) => {
            let mut conn = ready(&config)?;
            let made = generate::run(&mut conn, &amounts, Timestamp::now())?;
            say(&made);
            Ok(())
        }
        Command::Rebuild { check } => {
            let mut conn = ready(&config)?;
            let different = programs::rebuild(&mut conn, check, Timestamp::now())?;
            say(&format!("{different} programs differ{}", if check { "" } else { " and were mended" }));
            if check && different > 0 {
                Err("stored aggregates differ from what reviews and reports give".into())
            } else {
                Ok(())
            }
        }
        Command::Verdict(command) => verdict::run(&config, &command),
        Command::Openapi | Command::Config(_) => Ok(()),
    }
}

/// Standard output is for results; the log goes to standard error.
fn say(text: &str) {
    // A reader that has seen enough closes the pipe; that is no failure of the command.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).unwrap_or_default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is a test's; the first stays.
    let _ = if config.log_json { log.json().try_init().is_ok() } else { log.try_init().is_ok() };
}

/// Connects, after making the directory and the file of an embedded database with owner-only rights.
fn open_file_and_connect(config: &Config) -> Result<Conn, Failure> {
    if let Some(path) = config.database.path() {
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            private_dir(dir)?;
        }
        // SQLite gives its journal files the rights of the database file.
        std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    }
    Ok(db::connect(config.database.clone())?)
}

/// A connection to a database whose schema is this release's, migrating it if that is allowed.
fn ready(config: &Config) -> Result<Conn, Failure> {
    let mut conn = open_file_and_connect(config)?;
    if config.migrate_on_start {
        migrations::migrate(&mut conn)?;
    } else {
        migrations::check(&mut conn)?;
    }
    Ok(conn)
}

/// The keys of this service, for a command beside the server. It makes none where the security log has been begun: keys
/// from the wrong directory would write entries that do not fit, and the log would be broken from there on.
fn load_keys(config: &Config) -> Result<Keys, Failure> {
    if !Keys::are_in(&config.data_dir) && !audit_store::is_empty(&mut ready(config)?)? {
        let dir = config.data_dir.display();
        return Err(format!("there are no keys in {dir}; set PRECEPTOR_DATA_DIR to the directory of the server").into());
    }
    Ok(Keys::load_or_create(&config.data_dir)?)
}

fn issuer(config: &Config) -> Result<Tokens, Failure> {
    Ok(Tokens::new(load_keys(config)?, &config.public_url))
}

fn serve(config: Config, with_demo: bool) -> Result<(), Failure> {
    let mut conn = open_file_and_connect(&config)?;
    let _lock = config.database.path().map(ServerLock::acquire).transpose()?;
    if config.migrate_on_start {
        let applied = migrations::migrate(&mut conn)?;
        tracing::info!(count = applied.len(), "migrations applied");
    } else {
        migrations::check(&mut conn)?;
    }
    if !Keys::are_in(&config.data_dir) && !audit_store::is_empty(&mut conn)? {
        let dir = config.data_dir.display();
        tracing::warn!(%dir, "there are no keys, though the security log was begun with some: new ones are made");
    }
    let tokens = Tokens::new(Keys::load_or_create(&config.data_dir)?, &config.public_url);
    tokens.self_test(Timestamp::now())?;
    let welcome: Option<String> =
        if with_demo { Some(demo::prepare(&mut conn, &tokens, &config.public_url, Timestamp::now())?) } else { None };
    drop(conn);
    if !config.rate_limits {
        tracing::warn!("rate limits are off; that is for load tests only");
    }
    if config.smtp.is_none() {
        tracing::warn!("no mail server is set: mail is written to the folder mail of the data directory");
    }
    if config.outbound == outbound::model::Policy::Insecure {
        tracing::warn!("private addresses and http:// may be called; that is for development only");
    }
    if !config.oidc_issuers.is_empty() {
        outbound::Client::new(config.outbound)?;
    }
    let options =
        Options { engine: config.database.clone(), replica: config.replica.clone(), pool_size: config.pool_size };
    let store = Db::open(options)?;
    let bind = config.bind;
    let state = Data::from(Arc::new(State::new(store, tokens, config)));
    let ready = move || {
        tracing::info!(%bind, "listening");
        if let Some(welcome) = welcome {
            say(&welcome);
        }
    };
    actix_web::rt::System::new().block_on(server::serve(state, ready))?;
    Ok(())
}
